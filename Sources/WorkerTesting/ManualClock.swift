import WorkerKit

/// A clock that a test advances.
///
///     let clock = ManualClock()
///     async let outcome = consumer.run()
///     try await clock.untilSleeping(for: .seconds(20))   // the lease waits
///     clock.advance(by: .seconds(20))
public final class ManualClock: Clock, Sendable {
  /// A time, relative to the clock's start.
  public struct Instant: InstantProtocol {
    let offset: Swift.Duration

    /// Returns the time after a duration.
    public func advanced(by duration: Swift.Duration) -> Instant { Instant(offset: offset + duration) }
    /// Returns the duration until another time.
    public func duration(to other: Instant) -> Swift.Duration { other.offset - offset }
    /// Whether a time is before another.
    public static func < (first: Instant, second: Instant) -> Bool { first.offset < second.offset }
  }

  private struct State: Sendable {
    var now = Instant(offset: .zero)
    /// The wake-up times of sleeping tasks.
    var deadlines: [Int: Instant] = [:]
    var nextID = 0

    /// The wake-up times that lie in the future, without those of tasks that have not resumed yet.
    var upcoming: [Instant] { deadlines.values.filter { $0 > now } }
  }

  private let state = AsyncValue(State())

  /// Creates a clock at its start.
  public init() {}

  /// The current time.
  public var now: Instant { state.value.now }
  /// One nanosecond.
  public var minimumResolution: Swift.Duration { .nanoseconds(1) }

  /// Advances the time, and resumes the tasks whose sleep has ended.
  public func advance(by duration: Swift.Duration) {
    state.update { $0.now = $0.now.advanced(by: duration) }
  }

  /// Waits until a task sleeps whose sleep ends exactly `duration` from now.
  public func untilSleeping(for duration: Swift.Duration) async throws {
    try await state.wait { $0.deadlines.values.contains($0.now.advanced(by: duration)) }
  }

  /// Whether a task sleeps that wakes up at a time, counted from the clock's start, or before it.
  package func hasSleeper(until time: Swift.Duration) -> Bool {
    state.read { $0.upcoming.contains { $0.offset <= time } }
  }

  /// Advances the time to the earliest wake-up time, once at least `count` tasks sleep.
  ///
  /// Use it for work that repeats over time, such as lease renewals. Pass the number of tasks that sleep when the
  /// worker is idle: each of them has then run and sleeps again before the time advances.
  ///
  ///     let end = clock.now.advanced(by: .seconds(60))
  ///     while clock.now < end { try await clock.advanceToNextSleeper(among: 3) }
  ///
  /// - Throws: `CancellationError`.
  public func advanceToNextSleeper(among count: Int = 1) async throws {
    try await state.wait { $0.upcoming.count >= max(count, 1) }
    state.update { $0.now = $0.upcoming.min() ?? $0.now }
  }

  /// Waits until the time reaches `deadline`.
  ///
  /// - Throws: `CancellationError`.
  public func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
    let id = state.update { state in
      state.nextID += 1
      state.deadlines[state.nextID] = deadline
      return state.nextID
    }
    defer { state.update { $0.deadlines[id] = nil } }
    try await state.wait { $0.now >= deadline }
  }
}
