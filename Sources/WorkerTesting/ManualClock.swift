import Synchronization

/// A clock whose hands a test turns.
///
///     let clock = ManualClock()
///     async let outcome = consumer.run()
///     await clock.untilSleeping(for: .seconds(20))   // the lease waits
///     clock.advance(by: .seconds(20))
public final class ManualClock: Clock, Sendable {
  public struct Instant: InstantProtocol {
    let offset: Swift.Duration

    public func advanced(by duration: Swift.Duration) -> Instant { Instant(offset: offset + duration) }
    public func duration(to other: Instant) -> Swift.Duration { other.offset - offset }
    public static func < (first: Instant, second: Instant) -> Bool { first.offset < second.offset }
  }

  private struct Sleeper {
    let deadline: Instant
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct Watcher {
    let duration: Swift.Duration
    let continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var now = Instant(offset: .zero)
    var sleepers: [Int: Sleeper] = [:]
    var cancelled: Set<Int> = []
    var watchers: [Watcher] = []
    var nextID = 0
  }

  private let state = Mutex(State())

  public init() {}

  public var now: Instant { state.withLock { $0.now } }
  public var minimumResolution: Swift.Duration { .nanoseconds(1) }

  /// Turns the hands, and wakes everyone whose time has come.
  public func advance(by duration: Swift.Duration) {
    let due = state.withLock { state in
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
  public func untilSleeping(for duration: Swift.Duration) async {
    await withCheckedContinuation { continuation in
      let isMet = state.withLock { state in
        if state.sleepers.values.contains(where: { $0.deadline == state.now.advanced(by: duration) }) { return true }
        state.watchers.append(Watcher(duration: duration, continuation: continuation))
        return false
      }
      if isMet {
        continuation.resume()
      }
    }
  }

  public func sleep(until deadline: Instant, tolerance: Swift.Duration?) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    defer { state.withLock { _ = $0.cancelled.remove(id) } }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enum Outcome { case sleeps([CheckedContinuation<Void, Never>]), due, cancelled }
        let outcome = state.withLock { state -> Outcome in
          if state.cancelled.contains(id) { return .cancelled }
          if deadline <= state.now { return .due }
          state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
          let seen = state.watchers.filter { state.now.advanced(by: $0.duration) == deadline }
          state.watchers.removeAll { state.now.advanced(by: $0.duration) == deadline }
          return .sleeps(seen.map(\.continuation))
        }
        switch outcome {
        case .sleeps(let watchers): watchers.forEach { $0.resume() }
        case .due: continuation.resume()
        case .cancelled: continuation.resume(throwing: CancellationError())
        }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        state.cancelled.insert(id)
        return state.sleepers.removeValue(forKey: id)
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }
}
