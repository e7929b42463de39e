import Foundation

/// A message as stored in the database.
struct StoredMessage {
  /// The id of the row. It is never reused, so that a receipt handle always refers to the same message.
  var id: Int64
  var queue: Int64
  var messageID: String
  var body: String
  /// The attributes as JSON; nil if there are none.
  var attributes: Data?
  var traceHeader: String?
  var senderID: String
  var groupID: String?
  var deduplicationID: String?
  var sentAt: Milliseconds
  var hiddenUntil: Milliseconds
  var receivedAt: Milliseconds?
  var receiveCount = 0
  var firstReceivedAt: Milliseconds?
  /// The ARN of the queue whose redrive policy moved the message here.
  var sourceArn: String?

  /// The sequence number of a FIFO message: twenty digits, increasing from message to message.
  static func sequenceNumber(of id: Int64) -> String {
    let digits = String(id)
    return "1" + String(repeating: "0", count: 19 - digits.count) + digits
  }
}

struct StoredQueue {
  var id: Int64
  var region: String
  var name: String
  var attributes: [String: String]
  var tags: [String: String]
  var createdAt: Milliseconds
  var modifiedAt: Milliseconds
}

struct StoredMoveTask {
  enum Status: String {
    case running = "RUNNING"
    case completed = "COMPLETED"
    case cancelled = "CANCELLED"
    case failed = "FAILED"
  }

  var handle: String
  var sourceArn: String
  var destinationArn: String?
  var messagesPerSecond: Int?
  var status = Status.running
  var moved = 0
  /// The number of messages when the task started.
  var total: Int
  var failureReason: String?
  var startedAt: Milliseconds
}
