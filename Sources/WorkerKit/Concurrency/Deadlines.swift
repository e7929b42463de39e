/// Times at which something is done, unless it is called off before.
///
/// A consumer sets several for each message in hand, the renewal of its lease and its route's timeout among them, and
/// calls off nearly all. A task that sleeps for each would cost more than most handlers do, so one sleeps for all, until
/// the first of them.
final class Deadlines: Sendable {
  struct ID: Sendable {
    fileprivate let number: Int
  }

  private struct Entry: Sendable {
    var time: Duration
    var action: @Sendable () -> Void
  }

  private struct State {
    var entries: [Int: Entry] = [:]
    var lastNumber = 0
    /// When the watch looks next; nil while there is nothing to look for.
    var nextLook: Duration?
  }

  private let clock: WorkerClock
  private let state = Locked(State())
  /// Counts the entries that come before the watch's next look.
  private let earlierEntries = Watched(0)

  init(clock: WorkerClock) {
    self.clock = clock
  }

  /// Sets a deadline. It is kept while ``watching(_:)`` runs.
  ///
  /// - Parameter action: Must be quick, for others wait behind it.
  @discardableResult
  func set(after duration: Duration, _ action: @escaping @Sendable () -> Void) -> ID {
    set(at: clock.now + duration, action)
  }

  /// Sets a deadline by the clock.
  @discardableResult
  func set(at time: Duration, _ action: @escaping @Sendable () -> Void) -> ID {
    let (id, isEarlier) = state.withLock { state in
      state.lastNumber += 1
      state.entries[state.lastNumber] = Entry(time: time, action: action)
      let isEarlier = state.nextLook.map { time < $0 } ?? true
      if isEarlier { state.nextLook = time }
      return (ID(number: state.lastNumber), isEarlier)
    }
    if isEarlier { earlierEntries.update { $0 += 1 } }
    return id
  }

  /// Calls a deadline off. Its action may be under way already.
  func callOff(_ id: ID) {
    // What is removed is released after the lock: it may hold the last reference to something that sets deadlines.
    _ = state.withLock { $0.entries.removeValue(forKey: id.number) }
  }

  /// Runs an operation, and meanwhile keeps the deadlines.
  func watching<Result>(_ operation: () async -> Result) async -> Result {
    // No child of the caller's task: what is settled after a cancellation has deadlines, too.
    let watch = Task { await keep() }
    let result = await operation()
    watch.cancel()
    await watch.value
    return result
  }

  private func keep() async {
    while !Task.isCancelled {
      let seen = earlierEntries.value
      let (due, nextLook) = takeDue()
      for action in due { action() }
      try? await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { [earlierEntries] in try await earlierEntries.wait { $0 != seen } }
        if let nextLook {
          group.addTask { [clock] in try await clock.sleep(until: nextLook) }
        }
        try await group.next()
        group.cancelAll()
      }
    }
  }

  private func takeDue() -> (actions: [@Sendable () -> Void], nextLook: Duration?) {
    let now = clock.now
    return state.withLock { state in
      let due = state.entries.filter { $0.value.time <= now }
      for number in due.keys { state.entries[number] = nil }
      state.nextLook = state.entries.values.lazy.map(\.time).min()
      let inOrder = due.sorted { ($0.value.time, $0.key) < ($1.value.time, $1.key) }
      return (inOrder.map(\.value.action), state.nextLook)
    }
  }
}
