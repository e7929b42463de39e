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

  private struct Sleeper: Sendable {
    let deadline: Instant
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State: Sendable {
    var now = Instant(offset: .zero)
    var sleepers: [Int: Sleeper] = [:]
    var cancelled: Set<Int> = []
    var nextID = 0
  }

  private let state = Watched(State())

  public init() {}

  public var now: Instant { state.value.now }
  public var minimumResolution: Swift.Duration { .nanoseconds(1) }

  /// Turns the hands, and wakes everyone whose time has come.
  public func advance(by duration: Swift.Duration) {
    let due = state.update { state in
      state.now = state.now.advanced(by: duration)
      let due = state.sleepers.filter { $0.value.deadline <= state.now }
      for id in due.keys {
        state.sleepers[id] = nil
      }
      return due.values.sorted { $0.deadline < $1.deadline }
    }
    for sleeper in due {
      sleeper.continuation.resume()
    }
  }

  /// Waits until someone sleeps whose time comes in exactly `duration` from now.
  public func untilSleeping(for duration: Swift.Duration) async throws {
    try await state.wait { state in
      state.sleepers.values.contains { $0.deadline == state.now.advanced(by: duration) }
    }
  }

  public func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
    let id = state.update { state in
      state.nextID += 1
      return state.nextID
    }
    defer { state.update { _ = $0.cancelled.remove(id) } }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome = state.update { state -> Result<Void, any Error>? in
          if state.cancelled.contains(id) { return .failure(CancellationError()) }
          if deadline <= state.now { return .success(()) }
          state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
          return nil
        }
        if let outcome {
          continuation.resume(with: outcome)
        }
      }
    } onCancel: {
      let sleeper = state.update { state in
        state.cancelled.insert(id)
        return state.sleepers.removeValue(forKey: id)
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }
}
