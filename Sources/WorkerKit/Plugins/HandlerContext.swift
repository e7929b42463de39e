public import Foundation
public import Logging

/// What a handler may know about the message that its event came in.
public struct HandlerContext: Sendable {
  /// The route: the event's `eventType`.
  public var eventType: String
  /// The queue's name: the last part of its URL.
  public var queue: String
  /// The id that SQS gave to this message.
  public var messageID: String
  /// The id that SQS gave to this event's first message: dead-lettering by the worker, and redrive, carry it along.
  public var originalMessageID: String
  /// The same for every delivery of one event, and different for every other event of this ``eventType``: the
  /// producer's `IdempotencyKey` message attribute, else an explicit FIFO deduplication id, else
  /// ``originalMessageID``. Prefixed with which of them it is, so that one cannot pose as another.
  public var idempotencyKey: String
  /// How often the message was received, this time included: 1 on the first delivery.
  public var receiveCount: Int
  /// When the producer sent it, by SQS's clock.
  public var sentAt: Date?
  /// The message's own attributes.
  public var attributes: [String: MessageAttribute]
  /// X-Ray's trace header, where the producer sent one.
  public var traceHeader: String?
  /// Carries the message's id, route and attempt as metadata.
  public var logger: Logger

  public init(
    eventType: String,
    queue: String = "",
    messageID: String,
    originalMessageID: String? = nil,
    idempotencyKey: String? = nil,
    receiveCount: Int = 1,
    sentAt: Date? = nil,
    attributes: [String: MessageAttribute] = [:],
    traceHeader: String? = nil,
    logger: Logger
  ) {
    self.eventType = eventType
    self.queue = queue
    self.messageID = messageID
    self.originalMessageID = originalMessageID ?? messageID
    self.idempotencyKey = idempotencyKey ?? "message:\(originalMessageID ?? messageID)"
    self.receiveCount = receiveCount
    self.sentAt = sentAt
    self.attributes = attributes
    self.traceHeader = traceHeader
    self.logger = logger
  }
}

/// One attribute of a message, beside its body: SQS's `MessageAttributeValue`.
public struct MessageAttribute: Sendable, Hashable {
  public enum Value: Sendable, Hashable {
    case string(String)
    case binary([UInt8])
  }

  /// `String`, `Number` or `Binary`, optionally with a suffix of the producer's: `Number.int`.
  public var dataType: String
  public var value: Value

  public init(dataType: String, value: Value) {
    self.dataType = dataType
    self.value = value
  }

  /// An attribute of type `String`.
  public static func string(_ value: String) -> MessageAttribute {
    MessageAttribute(dataType: "String", value: .string(value))
  }

  /// The text of a `String` or `Number` attribute; nil for a binary one.
  public var stringValue: String? {
    if case .string(let text) = value { text } else { nil }
  }

  /// What SQS counts toward its size limit for this attribute under `name`, in bytes.
  func size(named name: String) -> Int {
    let length =
      switch value {
      case .string(let text): text.utf8.count
      case .binary(let bytes): bytes.count
      }
    return name.utf8.count + dataType.utf8.count + length
  }
}
