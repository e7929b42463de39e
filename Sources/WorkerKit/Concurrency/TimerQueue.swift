import WorkerLocks

/// Calls actions at given times, unless they are cancelled before.
///
/// A consumer sets several timers for each message in flight, such as the lease renewal and the route's timeout, and
/// cancels nearly all of them. One sleeping task for each timer would cost more than most handlers do, so one task
/// sleeps until the earliest timer.
final class TimerQueue: Sendable {
  struct ID: Sendable {
    fileprivate let index: Int
    /// The number of the timer among all that were ever set. Another timer may use the same index by now.
    fileprivate let number: Int
  }

  private struct Entry: Sendable {
    var number: Int
    var time: Duration
    var action: @Sendable () -> Void
  }

  private struct State {
    /// The timers. Each keeps its index, so that it is found without a search.
    var entries: [Entry?] = []
    var freeIndices: [Int] = []
    var lastNumber = 0
    /// When the sleeping task wakes next; nil while no timer is set.
    var nextCheck: Duration?

    mutating func insert(_ time: Duration, _ action: @escaping @Sendable () -> Void) -> ID {
      lastNumber += 1
      let entry = Entry(number: lastNumber, time: time, action: action)
      if let index = freeIndices.popLast() {
        entries[index] = entry
        return ID(index: index, number: lastNumber)
      }
      entries.append(entry)
      return ID(index: entries.count - 1, number: lastNumber)
    }

    @discardableResult
    mutating func remove(at index: Int) -> Entry? {
      freeIndices.append(index)
      return entries[index].take()
    }
  }

  private let clock: WorkerClock
  private let state = Mutex(State())
  /// Incremented for each timer that is due before the sleeping task wakes next.
  private let earlierEntries = AsyncValue(0)

  init(clock: WorkerClock) {
    self.clock = clock
  }

  /// Sets a timer. It is effective while ``watching(_:)`` runs.
  ///
  /// - Parameter action: Must be fast: other timers wait for it.
  @discardableResult
  func set(after duration: Duration, _ action: @escaping @Sendable () -> Void) -> ID {
    set(at: clock.now + duration, action)
  }

  /// Sets a timer for a time of the clock.
  @discardableResult
  func set(at time: Duration, _ action: @escaping @Sendable () -> Void) -> ID {
    let (id, isEarlier) = state.withLock { state in
      let id = state.insert(time, action)
      let isEarlier = state.nextCheck.map { time < $0 } ?? true
      if isEarlier { state.nextCheck = time }
      return (id, isEarlier)
    }
    if isEarlier { earlierEntries.update { $0 += 1 } }
    return id
  }

  /// Cancels a timer. Its action may already be running.
  func cancel(_ id: ID) {
    // The removed entry is released after the lock: it may hold the last reference to an object that sets timers.
    _ = state.withLock { state in state.entries[id.index]?.number == id.number ? state.remove(at: id.index) : nil }
  }

  /// The time of the earliest timer; nil if there is none.
  var next: Duration? { state.withLock { state in state.entries.lazy.compactMap { $0?.time }.min() } }

  /// Runs an operation, and calls the actions of due timers until it ends.
  func watching<Result>(_ operation: () async -> Result) async -> Result {
    // Not a child task: settlement after a cancellation needs timers as well.
    let watch = Task(executorPreference: WorkerThread.shared) { await self.keep() }
    let result = await operation()
    watch.cancel()
    await watch.value
    return result
  }

  private func keep() async {
    while !Task.isCancelled {
      let seen = earlierEntries.value
      let (due, nextCheck) = takeDue()
      for action in due { action() }
      try? await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { [earlierEntries] in try await earlierEntries.wait { $0 != seen } }
        if let nextCheck {
          group.addTask { [clock] in try await clock.sleep(until: nextCheck) }
        }
        try await group.next()
        group.cancelAll()
      }
    }
  }

  private func takeDue() -> (actions: [@Sendable () -> Void], nextCheck: Duration?) {
    let now = clock.now
    return state.withLock { state in
      var due: [Entry] = []
      state.nextCheck = nil
      for index in state.entries.indices {
        guard let entry = state.entries[index] else { continue }
        if entry.time <= now {
          due.append(entry)
          state.remove(at: index)
        } else {
          state.nextCheck = min(entry.time, state.nextCheck ?? entry.time)
        }
      }
      due.sort { ($0.time, $0.number) < ($1.time, $1.number) }
      return (due.map(\.action), state.nextCheck)
    }
  }
}
