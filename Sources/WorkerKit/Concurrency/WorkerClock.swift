/// The clock that leases, timeouts and backoff run on: the time since some moment, and waiting.
///
/// One small type over any `Clock`, so that a test can turn the hands itself.
public struct WorkerClock: Sendable {
  private let elapsed: @Sendable () -> Duration
  private let sleepUntil: @Sendable (Duration) async throws -> Void

  public init<C: Clock>(_ clock: C) where C.Duration == Duration {
    let origin = clock.now
    elapsed = { origin.duration(to: clock.now) }
    sleepUntil = { try await clock.sleep(until: origin.advanced(by: $0), tolerance: nil) }
  }

  /// Goes on while the machine sleeps, as SQS's own clock does.
  public static let continuous = WorkerClock(SteppingClock(ContinuousClock()))

  /// The time since an arbitrary moment; never goes back.
  public var now: Duration { elapsed() }

  /// - Throws: `CancellationError` as soon as the task is cancelled.
  public func sleep(for duration: Duration) async throws {
    try await sleep(until: now + duration)
  }

  /// For what is to happen at a time that is known: what was left until then may be less when the sleep begins.
  ///
  /// - Parameter time: Like those of ``now``.
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  package func sleep(until time: Duration) async throws {
    try await sleepUntil(time)
  }
}
