import Foundation

/// One event as it passed: an attempt to handle it, and what came of that.
struct FlowEvent: Sendable {
  enum Outcome: String, Sendable, CaseIterable, Encodable {
    case handled
    /// Handled before, so that nothing was done for it now.
    case duplicate
    /// It failed, and comes back after a while.
    case retry
    case deadLetter
    case left
    /// The worker stopped, or the message's lease was lost.
    case cancelled

    var isFailure: Bool { [.retry, .deadLetter, .left].contains(self) }
  }

  /// Counts from 1.
  var number: Int
  var time: Date
  var queue: String
  /// The route's event type, or `unrouted`.
  var route: String
  var messageID: String
  var outcome: Outcome
  /// The kind of error, and what it says; nil where it was handled.
  var kind: String?
  var problem: String?
  var duration: Duration
  var attempt: Int
  var traceID: String?
}

/// Which events of the flow are meant.
struct FlowFilter: Sendable {
  var queue: String?
  var route: String?
  var outcome: FlowEvent.Outcome?
  /// A part of the message's id.
  var id: String?

  func matches(_ event: FlowEvent) -> Bool {
    (queue == nil || queue == event.queue) && (route == nil || route == event.route)
      && (outcome == nil || outcome == event.outcome) && (id.map { event.messageID.contains($0) } ?? true)
  }
}
