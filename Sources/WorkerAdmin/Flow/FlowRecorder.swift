import Foundation
package import WorkerKit
import WorkerLocks

/// Keeps the last events that passed, and counts all: what the console knows of a worker's handling.
///
/// It costs each event a lock that is held for the time of writing one entry. A page copies the entries, so that
/// handling never waits for a page.
package final class FlowRecorder: HandlingObserver {
  static let capacity = 1000
  /// Routes come from the configuration; one that does not, from nowhere.
  private static let routeLimit = 1000

  /// Of one queue, since the process began.
  struct QueueCounts: Sendable {
    var handled = 0
    var failed = 0
    /// Of the events that began since this was last taken: how long the oldest had been in the queue.
    var oldest: TimeInterval?

    mutating func add(_ outcome: FlowEvent.Outcome, age: TimeInterval?) {
      if outcome.isFailure { failed += 1 } else if outcome != .cancelled { handled += 1 }
      if let age { oldest = max(oldest ?? 0, age) }
    }
  }

  private struct State {
    var events: [FlowEvent] = []
    var last = 0
    var routes: [String: RouteCounts] = [:]
    var queues: [String: QueueCounts] = [:]
    /// How many wait for the outcomes of messages.
    var awaited = 0
  }

  private struct Awaited: Sendable {
    var last = 0
    var waits: [Int: (wanted: Set<String>, found: [String: FlowEvent])] = [:]
  }

  private let clock: WorkerClock
  private let state = Mutex(State())
  private let awaited = AsyncValue(Awaited())

  package init(clock: WorkerClock = .continuous) {
    self.clock = clock
  }

  package func recordHandling(
    of context: HandlerContext, _ error: (any Error)?, duration: Duration, at now: Duration
  ) {
    let failure = error as? HandlingFailure
    let outcome: FlowEvent.Outcome =
      switch failure?.settlement {
      case .deadLetter: .deadLetter
      case .leave: .left
      case .retry: .retry
      case nil where error != nil: .cancelled
      case nil: context.wasAlreadyHandled ? .duplicate : .handled
      }
    let date = Date()
    var event = FlowEvent(
      number: 0, time: date, queue: context.queue, route: context.eventType, messageID: context.messageID,
      outcome: outcome, kind: failure?.kind.rawValue, problem: failure?.message, duration: duration,
      attempt: context.receiveCount,
      traceID: MessageContext.traceID(context.attributes, traceHeader: context.traceHeader))
    let age = context.sentAt.map { date.timeIntervalSince($0) - duration.inSeconds }
    let isAwaited = state.withLock { state in
      state.last += 1
      event.number = state.last
      if state.events.count < Self.capacity {
        state.events.append(event)
      } else {
        state.events[(state.last - 1) % Self.capacity] = event
      }
      if state.routes[event.route]?.add(outcome, event.duration, at: now) == nil, state.routes.count < Self.routeLimit {
        state.routes[event.route, default: RouteCounts(at: now)].add(outcome, event.duration, at: now)
      }
      state.queues[event.queue, default: QueueCounts()].add(outcome, age: age)
      return state.awaited > 0
    }
    if isAwaited { reportAwaited(event) }
  }

  private func reportAwaited(_ event: FlowEvent) {
    awaited.update { awaited in
      for (number, wait) in awaited.waits where wait.wanted.contains(event.messageID) {
        awaited.waits[number]?.found[event.messageID] = event
      }
    }
  }

  // MARK: For pages

  /// The last events, the newest first.
  ///
  /// - Parameter number: Only events after this one.
  func events(after number: Int = 0, matching filter: FlowFilter = .init(), limit: Int) -> [FlowEvent] {
    let (events, last) = state.withLock { ($0.events, $0.last) }
    var found: [FlowEvent] = []
    for offset in 0..<min(events.count, max(0, last - number)) where found.count < limit {
      let event = events[(last - 1 - offset) % Self.capacity]
      if filter.matches(event) { found.append(event) }
    }
    return found
  }

  /// The number of the last event.
  var last: Int { state.withLock { $0.last } }

  var routes: [String: RouteCounts] { state.withLock { $0.routes } }

  func durations(of counts: RouteCounts) -> DurationHistogram { counts.durations(at: clock.now) }

  /// Of all queues, by name.
  ///
  /// - Parameter isSample: Whether the age of the oldest begins anew.
  func queueCounts(isSample: Bool) -> [String: QueueCounts] {
    state.withLock { state in
      let counts = state.queues
      if isSample { for name in counts.keys { state.queues[name]?.oldest = nil } }
      return counts
    }
  }

  // MARK: For a redrive

  /// What becomes of messages, of those that are handled here; it is waited for until that is known of all, or for a while.
  func outcomes(of messageIDs: [String], within limit: Duration) async -> [String: FlowEvent] {
    let wanted = Set(messageIDs)
    let number = awaited.update { awaited in
      awaited.last += 1
      awaited.waits[awaited.last] = (wanted, [:])
      return awaited.last
    }
    // They may have been handled before the send was answered. What comes after this is reported to the wait.
    let events = state.withLock { state in
      state.awaited += 1
      return state.events.filter { wanted.contains($0.messageID) }
    }
    let known = Dictionary(events.map { ($0.messageID, $0) }) { $0.number > $1.number ? $0 : $1 }
    awaited.update { $0.waits[number]?.found.merge(known) { found, _ in found } }
    _ = await clock.isMet(within: limit) {
      try await self.awaited.wait { $0.waits[number].map { $0.found.count == $0.wanted.count } ?? true }
    }
    state.withLock { $0.awaited -= 1 }
    return awaited.update { $0.waits.removeValue(forKey: number)?.found ?? [:] }
  }
}
