/// The clock of leases, timeouts and backoff: the time since an arbitrary moment, and sleeping.
///
/// It wraps any `Clock`, so that a test can control the time.
public struct WorkerClock: Sendable {
  private let elapsed: @Sendable () -> Duration
  private let sleepUntil: @Sendable (Duration) async throws -> Void

  /// Wraps a clock, such as `ContinuousClock()`, or `ManualClock` of WorkerTesting in a test.
  public init<C: Clock>(_ clock: C) where C.Duration == Duration {
    let origin = clock.now
    elapsed = { origin.duration(to: clock.now) }
    sleepUntil = { try await clock.sleep(until: origin.advanced(by: $0), tolerance: nil) }
  }

  private init(
    elapsed: @escaping @Sendable () -> Duration, sleepUntil: @escaping @Sendable (Duration) async throws -> Void
  ) {
    self.elapsed = elapsed
    self.sleepUntil = sleepUntil
  }

  /// A clock that continues while the machine sleeps, as SQS's clock does. Its sleeps end on time even if handlers
  /// block all threads of Swift's pool.
  public static let continuous: WorkerClock = {
    let origin = ContinuousClock.now
    return WorkerClock(
      elapsed: { origin.duration(to: .now) },
      sleepUntil: { try await WorkerThread.shared.sleep(until: origin.advanced(by: $0)) })
  }()

  /// The time since an arbitrary moment. It never decreases.
  public var now: Duration { elapsed() }

  /// Sleeps for a duration.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  public func sleep(for duration: Duration) async throws {
    try await sleep(until: now + duration)
  }

  /// Sleeps until a time. If the time is known, use this instead of a duration, which is outdated by the time the sleep
  /// starts.
  ///
  /// - Parameter time: A time of this clock, as ``now`` returns it.
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  package func sleep(until time: Duration) async throws {
    try await sleepUntil(time)
  }
}
