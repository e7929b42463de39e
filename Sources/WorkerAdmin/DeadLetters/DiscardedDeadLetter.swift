import Foundation
import WorkerKit

/// A dead letter that was discarded, whole.
struct DiscardedDeadLetter: Codable, Sendable {
  struct Attribute: Codable, Sendable {
    var dataType: String
    var stringValue: String?
    var binaryValue: Data?
  }

  var time: Date
  var user: String
  /// The queue whose dead letter it was.
  var queue: String
  var id: String
  var body: Data
  var attributes: [String: Attribute]
  var receiveCount: Int
  var sent: Date?
  var groupID: String?
  var deduplicationID: String?
  var traceHeader: String?
  var source: String?

  init(_ deadLetter: DeadLetter, of queue: String, by user: String, at time: Date) {
    let message = deadLetter.message
    self.time = time
    self.user = user
    self.queue = queue
    id = deadLetter.id
    body = Data(message.body)
    attributes = message.attributes.mapValues { attribute in
      switch attribute.value {
      case .string(let text): Attribute(dataType: attribute.dataType, stringValue: text)
      case .binary(let bytes): Attribute(dataType: attribute.dataType, binaryValue: Data(bytes))
      }
    }
    receiveCount = message.receiveCount
    sent = message.sentAt
    groupID = message.groupID
    deduplicationID = message.deduplicationID
    traceHeader = message.traceHeader
    source = message.deadLetterQueueSourceARN
  }

  /// As it was read.
  var deadLetter: DeadLetter {
    DeadLetter(
      ReceivedMessage(
        id: id, receiptHandle: "", body: Array(body),
        attributes: attributes.mapValues { attribute in
          MessageAttribute(
            dataType: attribute.dataType,
            value: attribute.binaryValue.map { .binary(Array($0)) } ?? .string(attribute.stringValue ?? ""))
        },
        receiveCount: receiveCount, sentAt: sent, groupID: groupID, deduplicationID: deduplicationID,
        traceHeader: traceHeader, deadLetterQueueSourceARN: source))
  }
}
