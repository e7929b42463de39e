import Foundation

/// A message as the database keeps it.
struct StoredMessage {
  /// Of its row. Never used twice, so that a receipt handle cannot come to mean another message.
  var id: Int64
  var queue: Int64
  var messageID: String
  var body: String
  /// JSON; nil without any.
  var attributes: Data?
  var traceHeader: String?
  var senderID: String
  var groupID: String?
  var deduplicationID: String?
  var sentAt: Milliseconds
  var hiddenUntil: Milliseconds
  var receivedAt: Milliseconds = 0
  var receiveCount = 0
  var firstReceivedAt: Milliseconds?
  /// The queue whose redrive policy brought it here.
  var sourceArn: String?

  /// Twenty digits, growing from one message of a FIFO queue to the next.
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
  /// How many there were when it began.
  var total: Int
  var failureReason: String?
  var startedAt: Milliseconds
}
