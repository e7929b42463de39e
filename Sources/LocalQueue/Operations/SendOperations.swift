import Foundation

/// The parameters of a message, sent alone or in a batch.
protocol OutgoingMessage {
  var MessageBody: String { get }
  var DelaySeconds: Int? { get }
  var MessageAttributes: MessageAttributes? { get }
  var MessageSystemAttributes: MessageAttributes? { get }
  var MessageDeduplicationId: String? { get }
  var MessageGroupId: String? { get }
  /// The start of SQS's error message for a message that is too long.
  static var complaint: String { get }
}

struct SendMessage: Operation, OutgoingMessage {
  var QueueUrl: String?
  var MessageBody: String
  var DelaySeconds: Int?
  var MessageAttributes: MessageAttributes?
  var MessageSystemAttributes: MessageAttributes?
  var MessageDeduplicationId: String?
  var MessageGroupId: String?

  static let complaint = "One or more parameters are invalid."

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    try broker.storage.checkRoom()
    return .answer(try send(to: queue, in: broker, for: caller))
  }
}

struct SendMessageBatch: Operation {
  struct Entry: BatchEntry, OutgoingMessage {
    var Id: String
    var MessageBody: String
    var DelaySeconds: Int?
    var MessageAttributes: MessageAttributes?
    var MessageSystemAttributes: MessageAttributes?
    var MessageDeduplicationId: String?
    var MessageGroupId: String?

    static let listName = "SendMessageBatchRequestEntry"
    static let complaint = "One or more parameters cannot be validated."
  }

  var QueueUrl: String?
  var Entries: [Entry]

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    try Entries.validate()
    let size = Entries.reduce(0) { $0 + $1.size }
    guard size <= Limits.messageSize else { throw ServiceError.batchRequestTooLong(size) }
    // Unlike other errors of an entry, this one fails the whole request, as recordings of SQS show.
    for entry in Entries where queue.attributes.isFIFO {
      guard entry.MessageGroupId != nil else {
        throw ServiceError.invalidParameter(ServiceError.missingParameter("MessageGroupId").message)
      }
      _ = try entry.deduplicationID(for: queue)
    }
    try broker.storage.checkRoom()
    return try Entries.runEach { try $0.send(to: queue, in: broker, for: caller) }
  }
}

extension OutgoingMessage {
  var size: Int { MessageBody.utf8.count + (MessageAttributes?.size ?? 0) }

  func send(to queue: Queue, in broker: Broker, for caller: Caller) throws -> JSONValue {
    try validate(for: queue)
    let deduplicationID = try deduplicationID(for: queue)
    let digests: [JSONValue.Member] = [
      .init("MD5OfMessageBody", .string(md5(MessageBody.utf8))),
      MessageAttributes?.md5OfAttributes.map { .init("MD5OfMessageAttributes", .string($0)) },
      MessageSystemAttributes?.md5OfAttributes.map { .init("MD5OfMessageSystemAttributes", .string($0)) },
    ].compactMap { $0 }
    func answer(_ messageID: String, _ id: Int64) -> JSONValue {
      let sequence: [JSONValue.Member] =
        queue.attributes.isFIFO
        ? [.init("SequenceNumber", .string(StoredMessage.sequenceNumber(of: id)))] : []
      return .object([.init("MessageId", .string(messageID))] + digests + sequence)
    }
    let isByGroup = queue.deduplicatesGroups(at: broker.now)
    let key = deduplicationID.map { isByGroup ? "\(MessageGroupId ?? "")\n\($0)" : $0 }
    if let key, let original = queue.deduplication.original(for: key, at: broker.now) {
      return answer(original.messageID, original.message)
    }
    // On a FIFO queue, the queue's delay applies to all messages.
    let delay = queue.attributes.isFIFO ? queue.attributes.delay : DelaySeconds ?? queue.attributes.delay
    let message = StoredMessage(
      id: broker.storage.nextMessage(), queue: queue.id, messageID: newIdentifier(), body: MessageBody,
      attributes: try encodedAttributes(),
      traceHeader: MessageSystemAttributes?["AWSTraceHeader"]?.stringValue ?? caller.traceHeader,
      senderID: broker.account, groupID: MessageGroupId, deduplicationID: deduplicationID, sentAt: broker.now,
      hiddenUntil: broker.now + .seconds(delay))
    try broker.insert(message, into: queue)
    if let key {
      let original = Deduplication.Original(
        messageID: message.messageID, message: message.id, sentAt: message.sentAt)
      queue.deduplication.record(original, for: key)
      try broker.storage.insert(original, for: key, in: queue.id)
    }
    return answer(message.messageID, message.id)
  }

  private func encodedAttributes() throws -> Data? {
    guard let MessageAttributes, !MessageAttributes.isEmpty else { return nil }
    return try JSONEncoder().encode(MessageAttributes)
  }

  private func validate(for queue: Queue) throws {
    guard !MessageBody.isEmpty else { throw ServiceError.missingParameter("MessageBody") }
    guard isValidMessageText(MessageBody) else { throw ServiceError.invalidMessageContents }
    if let DelaySeconds, !Limits.delay.contains(DelaySeconds) {
      throw ServiceError.invalidParameter("DelaySeconds", DelaySeconds, "DelaySeconds must be >= 0 and <= 900.")
    }
    if queue.attributes.isFIFO, let DelaySeconds, DelaySeconds > 0 {
      throw ServiceError.invalidParameter(
        "DelaySeconds", DelaySeconds, "The request include parameter that is not valid for this queue type.")
    }
    try MessageAttributes?.validate()
    for (name, value) in MessageSystemAttributes ?? [:] {
      guard name == "AWSTraceHeader", value.dataType == "String", value.stringValue?.isEmpty == false else {
        throw ServiceError.invalidParameter(
          "Message system attribute name '\(name.prefix(100))' is invalid: the only one is AWSTraceHeader, of the type String."
        )
      }
    }
    guard size <= queue.attributes.maximumMessageSize else {
      throw ServiceError.invalidParameter(
        "\(Self.complaint) Reason: Message must be shorter than \(queue.attributes.maximumMessageSize) bytes."
      )
    }
    try Self.check(id: MessageGroupId, "MessageGroupId")
    try Self.check(id: MessageDeduplicationId, "MessageDeduplicationId")
    guard queue.attributes.isFIFO else {
      // On a standard queue, a group makes the queue fair.
      if let MessageDeduplicationId {
        throw ServiceError.invalidParameter(
          "MessageDeduplicationId", MessageDeduplicationId,
          "The request include parameter that is not valid for this queue type.")
      }
      return
    }
    guard MessageGroupId != nil else { throw ServiceError.missingParameter("MessageGroupId") }
  }

  private static func check(id: String?, _ name: String) throws {
    // Letters, digits and punctuation.
    guard let id, !(1...128).contains(id.utf8.count) || !id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      return
    }
    throw ServiceError.invalidParameter(
      name, id.prefix(128),
      "\(name) can only include alphanumeric and punctuation characters. 1 to 128 in length.")
  }

  fileprivate func deduplicationID(for queue: Queue) throws -> String? {
    guard queue.attributes.isFIFO else { return nil }
    if let MessageDeduplicationId { return MessageDeduplicationId }
    guard queue.attributes.deduplicatesContent else {
      throw ServiceError.invalidParameter(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
    }
    return sha256(MessageBody.utf8)
  }
}
