/// Times at which something is done, unless it is called off before.
///
/// A consumer sets several for each message in hand, the renewal of its lease and its route's timeout among them, and
/// calls off nearly all. A task that sleeps for each would cost more than most handlers do, so one sleeps for all, until
/// the first of them.
final class Deadlines: Sendable {
  struct ID: Sendable {
    fileprivate let place: Int
    /// Of all that were ever set. Another may have its place by now.
    fileprivate let number: Int
  }

  private struct Entry: Sendable {
    var number: Int
    var time: Duration
    var action: @Sendable () -> Void
  }

  private struct State {
    /// Each in a place that it keeps, so that it is found without a search.
    var entries: [Entry?] = []
    var freePlaces: [Int] = []
    var lastNumber = 0
    /// When the watch looks next; nil while there is nothing to look for.
    var nextLook: Duration?

    mutating func insert(_ time: Duration, _ action: @escaping @Sendable () -> Void) -> ID {
      lastNumber += 1
      let entry = Entry(number: lastNumber, time: time, action: action)
      if let place = freePlaces.popLast() {
        entries[place] = entry
        return ID(place: place, number: lastNumber)
      }
      entries.append(entry)
      return ID(place: entries.count - 1, number: lastNumber)
    }

    @discardableResult
    mutating func remove(at place: Int) -> Entry? {
      freePlaces.append(place)
      return entries[place].take()
    }
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
      let id = state.insert(time, action)
      let isEarlier = state.nextLook.map { time < $0 } ?? true
      if isEarlier { state.nextLook = time }
      return (id, isEarlier)
    }
    if isEarlier { earlierEntries.update { $0 += 1 } }
    return id
  }

  /// Calls a deadline off. Its action may be under way already.
  func callOff(_ id: ID) {
    // What is removed is released after the lock: it may hold the last reference to something that sets deadlines.
    _ = state.withLock { state in state.entries[id.place]?.number == id.number ? state.remove(at: id.place) : nil }
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
      var due: [Entry] = []
      state.nextLook = nil
      for place in state.entries.indices {
        guard let entry = state.entries[place] else { continue }
        if entry.time <= now {
          due.append(entry)
          state.remove(at: place)
        } else {
          state.nextLook = min(entry.time, state.nextLook ?? entry.time)
        }
      }
      due.sort { ($0.time, $0.number) < ($1.time, $1.number) }
      return (due.map(\.action), state.nextLook)
    }
  }
}
