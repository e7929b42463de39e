import Foundation

/// The `WorkerFailure` attribute of a dead letter, in JSON: why it is one, and where it came from.
package struct WorkerFailure: Codable, Sendable {
  static let attributeName = "WorkerFailure"

  package var kind: String
  package var message: String
  package var field: String?
  package var received: String?
  /// The errors behind it, the nearest first.
  package var causes: [String]?
  package var handler: String?
  package var route: String?
  package var receiveCount: Int
  /// The failed attempts that the worker's process has seen, the last one included: five at most, the oldest first.
  package var attempts: [FailedAttempt]?
  /// ISO 8601.
  package var firstReceived: String?
  /// The id of the event's first message, however often it was dead-lettered and redriven since: what the event is known by
  /// where its producer gave it no key.
  package var messageId: String
  /// The queue's id of the message that failed. Where ``messageId`` is another, it is what that message said of itself: a
  /// redrive brings the event's first id along, and a producer can make one up.
  package var failedMessageId: String?
  /// The name of the queue whose message it was: several queues can share a dead-letter queue.
  package var queue: String?
  package var traceId: String?
  /// When an operator sent the message back to its queue, in ISO 8601. Then the failure is of the time before.
  package var redriven: String?

  /// - Parameter queue: The name of the message's queue.
  init(_ failure: HandlingFailure, of message: ReceivedMessage, in queue: String) {
    kind = failure.kind.rawValue
    self.message = failure.message
    field = failure.field
    received = failure.received
    causes = failure.causes.isEmpty ? nil : failure.causes
    handler = failure.handler
    route = failure.route
    receiveCount = message.receiveCount
    attempts = failure.attempts.isEmpty ? nil : failure.attempts
    firstReceived = message.firstReceivedAt?.formatted(.iso8601)
    messageId = MessageIdentity(message).originalMessageID
    failedMessageId = message.id
    self.queue = queue
    traceId = failure.traceID
  }

  /// - Parameter limit: in bytes; what a reader can do without is left out to fit.
  /// - Returns: nil where even the kind and the event's identity do not fit.
  func attribute(fitting limit: Int) -> MessageAttribute? {
    var failure = self
    while true {
      guard let json = failure.json else { return nil }
      let attribute = MessageAttribute.string(json)
      let excess = attribute.size(named: Self.attributeName) - limit
      if excess <= 0 { return attribute }
      guard failure.shorten(by: excess) else { return nil }
    }
  }

  /// - Returns: false where nothing is left that could be left out.
  private mutating func shorten(by excess: Int) -> Bool {
    if received != nil {
      received = nil
    } else if causes != nil {
      causes = nil
    } else if let attempts, attempts.count > 1 {
      self.attempts = Array(attempts.dropFirst())
    } else if attempts != nil {
      attempts = nil
    } else if message.count > 1 {
      message = message.prefix(max(0, message.count - excess - 1)) + "…"
    } else {
      let others = [\Self.traceId, \.firstReceived, \.failedMessageId, \.handler, \.field, \.route]
      guard let next = others.first(where: { self[keyPath: $0] != nil }) else { return false }
      self[keyPath: next] = nil
    }
    return true
  }

  private var json: String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) }
  }
}
