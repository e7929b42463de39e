import Foundation

struct ReceiveMessage: Operation {
  var QueueUrl: String?
  var MaxNumberOfMessages: Int?
  var VisibilityTimeout: Int?
  var WaitTimeSeconds: Int?
  var MessageAttributeNames: [String]?
  var MessageSystemAttributeNames: [String]?
  /// The older name of `MessageSystemAttributeNames`, which takes precedence.
  var AttributeNames: [String]?

  private static let systemAttributes: Set = [
    "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
    "SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
  ]

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    try Limits.check(MaxNumberOfMessages, "MaxNumberOfMessages", in: Limits.messagesPerReceive)
    try Limits.check(VisibilityTimeout, "VisibilityTimeout", in: Limits.visibilityTimeout)
    try Limits.check(WaitTimeSeconds, "WaitTimeSeconds", in: Limits.waitTime)
    let newNames = MessageSystemAttributeNames ?? []
    let systemNames = Set(newNames.isEmpty ? AttributeNames ?? [] : newNames)
    // Old versions of botocore allow queue attributes here, and SQS ignores them.
    if let unknown = systemNames.first(where: { !Self.systemAttributes.contains($0) && !QueueAttributes.isKnown($0) }) {
      throw ServiceError.invalidAttributeName(unknown)
    }
    guard caller.isConnected() else { return .done }
    let wait = WaitTimeSeconds ?? queue.attributes.waitTime
    // Receives that already wait take precedence.
    if queue.waiting.isEmpty || wait == 0, let answer = try receive(from: queue, systemNames, in: broker) {
      return .answer(answer)
    }
    guard wait > 0 else { return .done }
    return .waiting(on: queue, seconds: wait) { broker in try receive(from: queue, systemNames, in: broker) }
  }

  private func receive(from queue: Queue, _ systemNames: Set<String>, in broker: Broker) throws -> JSONValue? {
    try broker.settle(queue)
    let room = Limits.messagesInFlight - queue.messages.inFlightCount
    guard room > 0 else {
      if queue.attributes.isFIFO { return nil }
      throw ServiceError.overLimit
    }
    let messages = try broker.receive(
      min(MaxNumberOfMessages ?? 1, room), from: queue,
      visibilityTimeout: VisibilityTimeout ?? queue.attributes.visibilityTimeout)
    guard !messages.isEmpty else { return nil }
    let isFIFO = queue.attributes.isFIFO
    return [
      "Messages": .array(try messages.map { try $0.received(systemNames, MessageAttributeNames ?? [], isFIFO: isFIFO) })
    ]
  }
}

extension StoredMessage {
  /// The message as a receive returns it.
  func received(_ systemNames: Set<String>, _ attributeNames: [String], isFIFO: Bool) throws -> JSONValue {
    let system = systemNames.isEmpty ? [] : systemAttributes(isFIFO: isFIFO)
    return try json(
      handle: ReceiptHandle(queue: queue, message: id, receiveCount: receiveCount).text,
      system: system.filter { systemNames.contains("All") || systemNames.contains($0.name) },
      attributeNames: attributeNames)
  }

  func json(handle: String, system: [JSONValue.Member], attributeNames: [String]) throws -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("MessageId", .string(messageID)), .init("ReceiptHandle", .string(handle)),
      .init("MD5OfBody", .string(md5(body.utf8))), .init("Body", .string(body)),
    ]
    if !system.isEmpty { members.append(.init("Attributes", .object(system))) }
    if let attributes, !attributeNames.isEmpty {
      let selected = try JSONDecoder().decode(MessageAttributes.self, from: attributes).selected(by: attributeNames)
      if let json = selected.json, let digest = selected.md5OfAttributes {
        members.append(.init("MD5OfMessageAttributes", .string(digest)))
        members.append(.init("MessageAttributes", json))
      }
    }
    return .object(members)
  }

  func systemAttributes(isFIFO: Bool) -> [JSONValue.Member] {
    let all: [(String, String?)] = [
      ("SenderId", senderID),
      ("SentTimestamp", String(sentAt)),
      ("ApproximateReceiveCount", String(receiveCount)),
      ("ApproximateFirstReceiveTimestamp", firstReceivedAt.map { String($0) }),
      ("SequenceNumber", isFIFO ? Self.sequenceNumber(of: id) : nil),
      ("MessageDeduplicationId", deduplicationID),
      ("MessageGroupId", groupID),
      ("AWSTraceHeader", traceHeader),
      ("DeadLetterQueueSourceArn", sourceArn),
    ]
    return all.compactMap { name, value in value.map { .init(name, .string($0)) } }
  }
}
