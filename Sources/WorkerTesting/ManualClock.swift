import WorkerKit

/// A clock whose hands a test turns.
///
///     let clock = ManualClock()
///     async let outcome = consumer.run()
///     try await clock.untilSleeping(for: .seconds(20))   // the lease waits
///     clock.advance(by: .seconds(20))
public final class ManualClock: Clock, Sendable {
  public struct Instant: InstantProtocol {
    let offset: Swift.Duration

    public func advanced(by duration: Swift.Duration) -> Instant { Instant(offset: offset + duration) }
    public func duration(to other: Instant) -> Swift.Duration { other.offset - offset }
    public static func < (first: Instant, second: Instant) -> Bool { first.offset < second.offset }
  }

  private struct State: Sendable {
    var now = Instant(offset: .zero)
    /// When each that sleeps wants to wake.
    var deadlines: [Int: Instant] = [:]
    var nextID = 0

    /// Without those whose time has come, and who have not noticed yet.
    var upcoming: [Instant] { deadlines.values.filter { $0 > now } }
  }

  private let state = Watched(State())

  public init() {}

  public var now: Instant { state.value.now }
  public var minimumResolution: Swift.Duration { .nanoseconds(1) }

  /// Turns the hands, and wakes everyone whose time has come.
  public func advance(by duration: Swift.Duration) {
    state.update { $0.now = $0.now.advanced(by: duration) }
  }

  /// Waits until someone sleeps whose time comes in exactly `duration` from now.
  public func untilSleeping(for duration: Swift.Duration) async throws {
    try await state.wait { $0.deadlines.values.contains($0.now.advanced(by: duration)) }
  }

  /// Turns the hands to the moment at which the first of those who sleep wakes, once at least `count` of them do.
  ///
  /// For what goes on as time passes, such as a lease that is renewed again and again: with the number of all that sleep
  /// while nothing happens, each has had its turn, and sleeps again, before the hands move on.
  ///
  ///     let end = clock.now.advanced(by: .seconds(60))
  ///     while clock.now < end { try await clock.advanceToNextSleeper(among: 3) }
  ///
  /// - Throws: `CancellationError`.
  public func advanceToNextSleeper(among count: Int = 1) async throws {
    try await state.wait { $0.upcoming.count >= max(count, 1) }
    state.update { $0.now = $0.upcoming.min() ?? $0.now }
  }

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
