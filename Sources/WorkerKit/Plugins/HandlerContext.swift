public import Foundation
public import Logging

/// What a handler may know about the message that its event came in.
///
/// Small to hand on: what it says is kept once, and copied when a copy is changed.
public struct HandlerContext: Sendable {
  private var storage: Storage

  /// The route: the event's `eventType`.
  public var eventType: String {
    get { storage.values.eventType }
    set { change { $0.eventType = newValue } }
  }

  /// The queue's name: the last part of its URL.
  public var queue: String {
    get { storage.values.queue }
    set { change { $0.queue = newValue } }
  }

  /// The id that SQS gave to this message.
  public var messageID: String {
    get { storage.values.messageID }
    set { change { $0.messageID = newValue } }
  }

  /// The id that SQS gave to this event's first message: dead-lettering by the worker, and redrive, carry it along.
  public var originalMessageID: String {
    get { storage.values.originalMessageID }
    set { change { $0.originalMessageID = newValue } }
  }

  /// The same for every delivery of one event, and different for every other event of this ``eventType``: the
  /// producer's `IdempotencyKey` message attribute, else an explicit FIFO deduplication id, else
  /// ``originalMessageID``. Prefixed with which of them it is, so that one cannot pose as another.
  public var idempotencyKey: String {
    get { storage.values.idempotencyKey }
    set { change { $0.idempotencyKey = newValue } }
  }

  /// How often the message was received, this time included: 1 on the first delivery.
  public var receiveCount: Int {
    get { storage.values.receiveCount }
    set { change { $0.receiveCount = newValue } }
  }

  /// When the producer sent it, by SQS's clock.
  public var sentAt: Date? {
    get { storage.values.sentAt }
    set { change { $0.sentAt = newValue } }
  }

  /// The message's own attributes.
  public var attributes: [String: MessageAttribute] {
    get { storage.values.attributes }
    set { change { $0.attributes = newValue } }
  }

  /// X-Ray's trace header, where the producer sent one.
  public var traceHeader: String? {
    get { storage.values.traceHeader }
    set { change { $0.traceHeader = newValue } }
  }

  /// Carries the message's id, route and attempt as metadata.
  public var logger: Logger {
    get { storage.values.logger }
    set { change { $0.logger = newValue } }
  }

  /// When its handling began, by the consumer's clock.
  var start: Duration { storage.values.start }

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
    storage = Storage(
      Values(
        eventType: eventType, queue: queue, messageID: messageID,
        originalMessageID: originalMessageID ?? messageID,
        idempotencyKey: idempotencyKey ?? "message:\(originalMessageID ?? messageID)", receiveCount: receiveCount,
        sentAt: sentAt, attributes: attributes, traceHeader: traceHeader, logger: logger, start: .zero))
  }

  /// What a message says, for the handler of its route.
  init(
    _ message: ReceivedMessage, identity: MessageIdentity, eventType: String, queue: String, logger: Logger,
    start: Duration
  ) {
    storage = Storage(
      Values(
        eventType: eventType, queue: queue, messageID: message.id, originalMessageID: identity.originalMessageID,
        idempotencyKey: identity.idempotencyKey, receiveCount: message.receiveCount, sentAt: message.sentAt,
        attributes: message.attributes, traceHeader: message.traceHeader, logger: logger, start: start))
  }

  private struct Values {
    var eventType: String
    var queue: String
    var messageID: String
    var originalMessageID: String
    var idempotencyKey: String
    var receiveCount: Int
    var sentAt: Date?
    var attributes: [String: MessageAttribute]
    var traceHeader: String?
    var logger: Logger
    var start: Duration
  }

  private final class Storage: Sendable {
    let values: Values

    init(_ values: Values) {
      self.values = values
    }
  }

  private mutating func change(_ body: (inout Values) -> Void) {
    var values = storage.values
    body(&values)
    storage = Storage(values)
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
