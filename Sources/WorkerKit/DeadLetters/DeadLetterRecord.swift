package import Foundation

/// A dead letter in JSON, as `dead-letters export` writes it.
package struct DeadLetterRecord: Encodable, Sendable {
  package struct Attribute: Encodable, Sendable {
    var dataType: String
    var stringValue: String?
    var binaryValue: Data?

    init(_ attribute: MessageAttribute) {
      dataType = attribute.dataType
      switch attribute.value {
      case .string(let text): stringValue = text
      case .binary(let bytes): binaryValue = Data(bytes)
      }
    }
  }

  package var id: String
  /// Of the event's first message.
  package var originalId: String
  /// Whether that is no more than what the message says of itself.
  package var isOriginalIdClaimed: Bool
  package var idempotencyKey: String
  package var route: String?
  package var eventType: String?
  package var kind: String?
  package var sent: Date?
  package var firstReceived: Date?
  package var receiveCount: Int
  package var bytes: Int
  package var groupId: String?
  package var deduplicationId: String?
  package var traceHeader: String?
  /// The queue that the event came from.
  package var queue: String?
  package var failure: WorkerFailure?
  /// What the message brought along when the redrive policy moved it: from before a redrive, or from its producer.
  package var claimedFailure: WorkerFailure?
  package var body: String?
  /// Where the body is no UTF-8.
  package var bodyBase64: Data?
  package var attributes: [String: Attribute]?

  /// - Parameter isWhole: with body and attributes.
  package init(_ deadLetter: DeadLetter, isWhole: Bool) {
    let message = deadLetter.message
    id = deadLetter.id
    originalId = deadLetter.originalMessageID
    isOriginalIdClaimed = deadLetter.isFirstIDClaimed
    idempotencyKey = deadLetter.idempotencyKey
    route = deadLetter.route
    eventType = deadLetter.eventType
    kind = deadLetter.kind
    sent = message.sentAt
    firstReceived = message.firstReceivedAt
    receiveCount = message.receiveCount
    bytes = message.body.count
    groupId = message.groupID
    deduplicationId = message.deduplicationID
    traceHeader = message.traceHeader
    queue = deadLetter.queue
    failure = deadLetter.failure
    claimedFailure = deadLetter.claimedFailure
    guard isWhole else { return }
    body = deadLetter.text
    bodyBase64 = body == nil ? Data(message.body) : nil
    attributes = message.attributes.mapValues(Attribute.init)
  }

  /// One line, without its end.
  package func line() throws -> Data {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Data(TerminalText.json(String(decoding: try encoder.encode(self), as: UTF8.self)).utf8)
  }
}
