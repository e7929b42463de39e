package import WorkerKit

extension WorkerClock {
  /// See ``StandingClock``.
  package static var standing: WorkerClock { WorkerClock(StandingClock()) }
}

/// A clock that stands, so that nothing is ever late: a sleep ends when it is cancelled.
///
/// A timer of a real clock that goes off while something else runs is counted with that, and the slower a machine is, the
/// more of them go off.
struct StandingClock: Clock {
  let now = ContinuousClock.now
  let minimumResolution = Duration.nanoseconds(1)

  func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
    let (nothing, continuation) = AsyncStream.makeStream(of: Never.self)
    for await _ in nothing {}
    continuation.finish()
    throw CancellationError()
  }
}
