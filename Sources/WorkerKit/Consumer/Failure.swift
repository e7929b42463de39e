import Foundation
import Tracing

/// Why a message was not handled, and what follows: what the error became under its route's policy.
///
/// Middleware sees it as the error that ``Middleware/handle(_:next:)`` throws.
public struct Failure: ClassifiedError, CustomStringConvertible {
  public var kind: ErrorKind
  /// The cause and the next step; holds no part of the event.
  public var message: String
  public var field: String?
  /// What came, shortened: for the dead-letter queue alone.
  public var received: String?
  /// `<plugin>.<handler>`; nil where no route took the message.
  public var handler: String?
  /// The eventType of the route; nil where no route took the message.
  public var route: String?
  /// W3C trace id, where a tracer is at work.
  public var traceID: String?
  /// The type of the error that was thrown, with its module.
  public var errorType = ""
  /// Where it was thrown, where it says so.
  public var location: CodeLocation?
  /// The errors behind it, the nearest first.
  public var causes: [String] = []
  public var settlement: Settlement.Plan
  /// The span in which it was thrown.
  var traceContext: ServiceContext?

  public var description: String { "\(kind): \(message)" }
}

/// The `WorkerFailure` attribute of a dead letter, in JSON: why it is one, and where it came from.
package struct WorkerFailure: Codable, Sendable {
  static let attributeName = "WorkerFailure"

  package var kind: String
  package var message: String
  package var field: String?
  package var received: String?
  package var handler: String?
  package var route: String?
  package var receiveCount: Int
  /// ISO 8601.
  package var firstReceived: String?
  /// The id of the event's first message, however often it was dead-lettered and redriven since.
  package var messageId: String
  /// See ``HandlerContext/idempotencyKey``: carried along, for a redriven message has another FIFO deduplication id.
  package var idempotencyKey: String?
  package var traceId: String?
  /// When an operator sent the message back to its queue, in ISO 8601. Then the failure is of the time before.
  package var redriven: String?

  init(_ failure: Failure, of message: ReceivedMessage) {
    kind = failure.kind.rawValue
    self.message = failure.message
    field = failure.field
    received = failure.received
    handler = failure.handler
    route = failure.route
    receiveCount = message.receiveCount
    firstReceived = message.firstReceivedAt?.formatted(.iso8601)
    let identity = MessageIdentity(message)
    messageId = identity.originalMessageID
    idempotencyKey = identity.idempotencyKey
    traceId = failure.traceID
  }

  /// Of a letter that is sent back to its queue: what makes the event known again.
  init(redriving letter: DeadLetter, at date: Date) {
    if let failure = letter.failure ?? letter.earlierFailure {
      self = failure
    } else {
      kind = ErrorKind.unexpected.rawValue
      message = "it was received too often, so the queue's redrive policy moved it; the reason is in the worker's log"
      receiveCount = letter.message.receiveCount
      firstReceived = letter.message.firstReceivedAt?.formatted(.iso8601)
      messageId = letter.originalMessageID
    }
    idempotencyKey = letter.idempotencyKey
    redriven = date.formatted(.iso8601)
  }

  /// - Parameter limit: in bytes; the message is shortened to fit.
  /// - Returns: nil where even a bare failure does not fit.
  func attribute(fitting limit: Int) -> MessageAttribute? {
    var failure = self
    while true {
      guard let json = failure.json else { return nil }
      let attribute = MessageAttribute.string(json)
      let excess = attribute.size(named: Self.attributeName) - limit
      if excess <= 0 { return attribute }
      if failure.received != nil {
        failure.received = nil
      } else if failure.message.count > 1 {
        failure.message = failure.message.prefix(max(0, failure.message.count - excess - 1)) + "…"
      } else {
        return nil
      }
    }
  }

  private var json: String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) }
  }
}
