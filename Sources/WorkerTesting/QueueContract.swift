public import WorkerKit

/// What a consumer relies on in every ``MessageQueue``, whoever keeps it.
///
/// Run it in a test of a queue of your own, and you know that the worker can be put on it:
///
///     try await QueueContract.check(queue)
public enum QueueContract {
  /// What a queue did that no queue may.
  public struct Violation: Error, CustomStringConvertible {
    public let description: String
  }

  /// - Parameter queue: Empty, with a redrive policy whose maxReceiveCount is 2 and whose dead-letter queue is empty.
  /// - Throws: a ``Violation``, or what the queue throws.
  public static func check(_ queue: any MessageQueue) async throws {
    try expect(try await receive(queue).isEmpty, "an empty queue gives no messages")
    try await carriesMessages(queue)
    try await hidesAndShows(queue)
    try await redrives(queue)
    try await refusesForeignHandles(queue)
    try await wakes(queue)
    try expect(try await queue.attributes().isEmpty, "a queue whose messages were deleted is empty")
  }

  private static let attributes: [String: MessageAttribute] = [
    "text": .string("Grüße, 世界 🎁"),
    "number": MessageAttribute(dataType: "Number", value: .string("12.5")),
    "bytes": MessageAttribute(dataType: "Binary.gzip", value: .binary([0, 1, 254, 255])),
  ]

  private static func carriesMessages(_ queue: any MessageQueue) async throws {
    let bodies = ["{}", "two\nlines \"quoted\" \\ and a tab\t", "世界 🎁"]
    let ids = try await queue.send(bodies.map { OutgoingMessage(body: $0, attributes: attributes) })
      .map { try $0.get() }
    try expect(Set(ids).count == 3, "each message has an id of its own")
    var received: [String: ReceivedMessage] = [:]
    while received.count < 3 {
      let messages = try await receive(queue)
      try expect(!messages.isEmpty, "what was sent is received")
      for message in messages {
        try expect(received.updateValue(message, forKey: message.id) == nil, "a received message is hidden")
      }
    }
    for (id, body) in zip(ids, bodies) {
      let message = received[id]
      try expect(message?.body == Array(body.utf8), "a body arrives as it was sent")
      try expect(message?.attributes == attributes, "attributes arrive as they were sent")
      try expect(message?.receiveCount == 1, "a first receive counts as one")
    }
    let outcomes = try await queue.delete(received.values.map(\.receiptHandle))
    try expect(outcomes.count == 3 && outcomes.allSatisfy(\.isSuccess), "a batch is deleted, entry by entry")
  }

  private static func hidesAndShows(_ queue: any MessageQueue) async throws {
    let first = try await sendAndReceive(queue)
    try expect(try await receive(queue).isEmpty, "a message in flight is hidden")
    try await show(first, on: queue)
    guard let second = try await receive(queue).first else { throw Violation(description: "timeout 0 shows a message") }
    try expect(second.id == first.id && second.receiveCount == 2, "a message that comes again is counted")
    try expect(try await queue.delete([second.receiptHandle]).allSatisfy(\.isSuccess), "the latest handle deletes")
    try expect(try await receive(queue).isEmpty, "a deleted message is gone")
  }

  private static func redrives(_ queue: any MessageQueue) async throws {
    let first = try await sendAndReceive(queue)
    try await show(first, on: queue)
    guard let second = try await receive(queue).first else { throw Violation(description: "timeout 0 shows a message") }
    try await show(second, on: queue)
    try expect(try await receive(queue).isEmpty, "a message is not received more often than maxReceiveCount")
    guard let deadLetters = try await queue.deadLetterQueue() else {
      throw Violation(description: "the dead-letter queue of the redrive policy is known")
    }
    guard let letter = try await receive(deadLetters).first else {
      throw Violation(description: "what was received too often is in the dead-letter queue")
    }
    try expect(letter.id == first.id && letter.body == first.body, "redrive keeps the id and the body")
    try expect(letter.attributes == attributes, "redrive keeps the attributes")
    _ = try await deadLetters.delete([letter.receiptHandle])
  }

  private static func refusesForeignHandles(_ queue: any MessageQueue) async throws {
    let outcome = try await queue.changeVisibility([VisibilityChange(receiptHandle: "nonsense", timeout: .zero)]).first
    guard case .failure(let error) = outcome else { throw Violation(description: "an unknown handle is refused") }
    try expect(error.isLeaseLost, "an unknown handle counts as a lost lease, and not as \(error.code)")
  }

  private static func wakes(_ queue: any MessageQueue) async throws {
    async let waiting = queue.receive(maxMessages: 10, waitTime: .seconds(20), visibilityTimeout: .seconds(60))
    let ids = try await queue.send([OutgoingMessage(body: "{}")]).map { try $0.get() }
    let messages = try await waiting
    try expect(messages.map(\.id) == ids, "a receive that waits is given what is sent meanwhile")
    _ = try await queue.delete(messages.map(\.receiptHandle))
  }

  private static func sendAndReceive(_ queue: any MessageQueue) async throws -> ReceivedMessage {
    _ = try await queue.send([OutgoingMessage(body: "{}", attributes: attributes)]).map { try $0.get() }
    guard let message = try await receive(queue).first else {
      throw Violation(description: "what was sent is received")
    }
    return message
  }

  private static func show(_ message: ReceivedMessage, on queue: any MessageQueue) async throws {
    let change = VisibilityChange(receiptHandle: message.receiptHandle, timeout: .zero)
    try expect(try await queue.changeVisibility([change]).allSatisfy(\.isSuccess), "a handle changes its visibility")
  }

  private static func receive(_ queue: any MessageQueue) async throws -> [ReceivedMessage] {
    try await queue.receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(60))
  }

  private static func expect(_ condition: Bool, _ promise: String) throws {
    guard condition else { throw Violation(description: "broken: \(promise)") }
  }
}

extension Result {
  fileprivate var isSuccess: Bool {
    if case .success = self { true } else { false }
  }
}
