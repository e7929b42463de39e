public import Foundation

/// A message as one receive returned it.
public struct ReceivedMessage: Sendable {
  /// The id that the queue assigned. It is the same at each delivery.
  public var id: String
  /// The handle of this receive, which deletes the message or changes its visibility.
  public var receiptHandle: String
  /// The body as received. It is not necessarily JSON or UTF-8.
  public var body: [UInt8]
  /// The message attributes, by name.
  public var attributes: [String: MessageAttribute]
  /// How often the message was received, including this delivery.
  public var receiveCount: Int
  /// When the message was sent, by the queue's clock; nil if the queue does not report it.
  public var sentAt: Date?
  /// When the message was first received, by the queue's clock; nil if the queue does not report it.
  public var firstReceivedAt: Date?
  /// The message group, on FIFO and fair queues.
  public var groupID: String?
  /// The deduplication id, on FIFO queues.
  public var deduplicationID: String?
  /// The X-Ray trace header; nil if the producer sent none.
  public var traceHeader: String?
  /// The ARN of the queue whose redrive policy moved the message here; nil if the message was sent to this queue.
  public var deadLetterQueueSourceARN: String?

  /// Creates a received message. A transport creates one for each message of a receive.
  public init(
    id: String,
    receiptHandle: String,
    body: [UInt8],
    attributes: [String: MessageAttribute] = [:],
    receiveCount: Int = 1,
    sentAt: Date? = nil,
    firstReceivedAt: Date? = nil,
    groupID: String? = nil,
    deduplicationID: String? = nil,
    traceHeader: String? = nil,
    deadLetterQueueSourceARN: String? = nil
  ) {
    self.id = id
    self.receiptHandle = receiptHandle
    self.body = body
    self.attributes = attributes
    self.receiveCount = receiveCount
    self.sentAt = sentAt
    self.firstReceivedAt = firstReceivedAt
    self.groupID = groupID
    self.deduplicationID = deduplicationID
    self.traceHeader = traceHeader
    self.deadLetterQueueSourceARN = deadLetterQueueSourceARN
  }

  /// The size in bytes, as SQS counts it: the body and the attributes.
  package var size: Int { attributes.reduce(body.count) { $0 + $1.value.size(named: $1.key) } }
}

/// A message to send.
public struct OutgoingMessage: Sendable {
  /// The text. SQS limits the body and the attributes together to 1 MiB.
  public var body: String
  /// The message attributes, by name; at most ten.
  public var attributes: [String: MessageAttribute]
  /// The message group. FIFO queues require it; a standard queue with groups is a fair queue.
  public var groupID: String?
  /// The deduplication id, on FIFO queues. A second message with this id within five minutes is dropped.
  public var deduplicationID: String?
  /// The X-Ray trace header.
  public var traceHeader: String?

  /// Creates a message.
  public init(
    body: String,
    attributes: [String: MessageAttribute] = [:],
    groupID: String? = nil,
    deduplicationID: String? = nil,
    traceHeader: String? = nil
  ) {
    self.body = body
    self.attributes = attributes
    self.groupID = groupID
    self.deduplicationID = deduplicationID
    self.traceHeader = traceHeader
  }
}

extension OutgoingMessage {
  /// SQS's limit in bytes for a message and for a batch, bodies and attributes together.
  package static let sizeLimit = 1_048_576
  /// SQS's limit for the number of attributes of a message.
  package static let attributeLimit = 10

  /// The size in bytes that SQS counts toward ``sizeLimit``.
  package var size: Int { attributes.reduce(body.utf8.count) { $0 + $1.value.size(named: $1.key) } }
}

/// One entry of ``MessageQueue/changeVisibility(_:)``.
public struct VisibilityChange: Sendable {
  /// The handle of the message's latest receive.
  public var receiptHandle: String
  /// How long the message stays invisible: whole seconds from now, at most 12 hours after the receive.
  public var timeout: Duration

  /// Creates a change. A timeout of zero makes the message visible at once.
  public init(receiptHandle: String, timeout: Duration) {
    self.receiptHandle = receiptHandle
    self.timeout = timeout
  }
}
