public import WorkerKit

/// The contract that a consumer requires of every `MessageQueue`, as executable checks. If your queue passes them, the
/// worker can consume from it.
///
/// With Swift Testing, each promise is a test case with a queue of its own:
///
///     @Test("the queue fulfills the contract", arguments: QueueContract.checks)
///     func contract(_ check: QueueContract.Check) async throws {
///       try await check.run(on: MyQueue("contract", deadLetters: MyQueue("contract-dlq"), maxReceiveCount: 2))
///     }
///
///     @Test("a FIFO queue fulfills the contract", arguments: QueueContract.fifoChecks)
///     func order(_ check: QueueContract.Check) async throws { … }
///
/// With another framework, or from a `main` function, call ``check(_:largestMessage:)``. The contract does not depend
/// on a test framework.
///
/// The checks take real time: up to three seconds for a check in which a timeout has to end, if the queue passes.
public enum QueueContract {
  /// A promise that a queue broke.
  public struct Violation: Error, CustomStringConvertible {
    /// The broken promise and, if it helps, what the queue did instead.
    public let description: String
  }

  /// One promise, and its check.
  public struct Check: Sendable, CustomStringConvertible {
    /// The promise, as a sentence.
    public let promise: String
    private let body: @Sendable (ContractSubject) async throws -> Void

    init(_ promise: String, _ body: @escaping @Sendable (ContractSubject) async throws -> Void) {
      self.promise = promise
      self.body = body
    }

    /// The promise, which is the name of the test case.
    public var description: String { promise }

    /// Checks the promise. The queue is empty afterwards, as before.
    ///
    /// - Parameters:
    ///   - queue: An empty queue that nothing else uses. Its redrive policy has a `maxReceiveCount` of 2 and an empty
    ///     dead-letter queue.
    ///   - largestMessage: The maximum size of a message in bytes, body and attributes together. The default is SQS's
    ///     limit, 1 MiB.
    /// - Throws: A ``Violation``, or an error of the queue.
    public func run(on queue: any MessageQueue, largestMessage: Int = 1_048_576) async throws {
      try await body(ContractSubject(queue: queue, largestMessage: largestMessage))
    }
  }

  /// The promises of every queue.
  public static let checks: [Check] = deliveryChecks + batchChecks + waitingChecks

  /// The promises of a FIFO queue: ``checks``, and the order of each group.
  public static let fifoChecks: [Check] = orderChecks + checks

  /// Checks all promises in turn on one queue. If the queue's name ends in `.fifo`, these are the promises of a FIFO
  /// queue.
  ///
  /// - Parameters:
  ///   - queue: See ``Check/run(on:largestMessage:)``.
  ///   - largestMessage: See ``Check/run(on:largestMessage:)``.
  /// - Throws: The first ``Violation``, or an error of the queue.
  public static func check(_ queue: any MessageQueue, largestMessage: Int = 1_048_576) async throws {
    for check in queue.name.hasSuffix(".fifo") ? fifoChecks : checks {
      try await check.run(on: queue, largestMessage: largestMessage)
    }
  }
}

/// The queue that is checked.
struct ContractSubject: Sendable {
  let queue: any MessageQueue
  let largestMessage: Int

  static let attributes: [String: MessageAttribute] = [
    "text": .string("Grüße, 世界 🎁"),
    "number": MessageAttribute(dataType: "Number", value: .string("12.5")),
    "bytes": MessageAttribute(dataType: "Binary.gzip", value: .binary([0, 1, 254, 255])),
  ]

  /// A valid message, in a new group unless `group` is set.
  func message(
    _ body: String, attributes: [String: MessageAttribute] = [:], group: String? = nil
  ) -> OutgoingMessage {
    let unique = "contract-\(UInt64.random(in: 0 ... .max))"
    return isFIFO
      ? OutgoingMessage(body: body, attributes: attributes, groupID: group ?? unique, deduplicationID: unique)
      : OutgoingMessage(body: body, attributes: attributes)
  }

  private var isFIFO: Bool { queue.name.hasSuffix(".fifo") }

  /// Sends messages.
  ///
  /// - Returns: The ids of the messages.
  @discardableResult
  func send(_ messages: OutgoingMessage...) async throws -> [String] {
    let outcomes = try await queue.send(messages)
    try expect(outcomes.count == messages.count, "a send has an outcome for each message")
    return try outcomes.map { try $0.get() }
  }

  /// Receives once.
  func receive(
    _ maxMessages: Int = 10, waiting: Duration = .zero, hiding: Duration = .seconds(60)
  ) async throws -> [ReceivedMessage] {
    let messages = try await queue.receive(
      maxMessages: maxMessages, waitTime: waiting, visibilityTimeout: hiding)
    try expect(messages.count <= maxMessages, "a receive brings no more messages than it asks for")
    return messages
  }

  /// Receives until `count` messages have arrived, because one receive may return fewer than are available.
  func receiveAll(_ count: Int, hiding: Duration = .seconds(60)) async throws -> [ReceivedMessage] {
    var received: [ReceivedMessage] = []
    while received.count < count {
      let messages = try await receive(waiting: .seconds(20), hiding: hiding)
      try expect(!messages.isEmpty, "what is visible is received within 20 seconds")
      received += messages
      try expect(Set(received.map(\.id)).count == received.count, "a received message is hidden")
    }
    try expect(received.count == count, "what was sent once is received once")
    return received
  }

  func receiveOne(hiding: Duration = .seconds(60)) async throws -> ReceivedMessage {
    try await receiveAll(1, hiding: hiding)[0]
  }

  func expectNothing(_ promise: String) async throws {
    try expect(try await receive().isEmpty, promise)
  }

  func delete(_ messages: [ReceivedMessage]) async throws {
    let outcomes = try await queue.delete(messages.map(\.receiptHandle))
    try expect(outcomes.count == messages.count, "a deletion has an outcome for each message")
    try expect(outcomes.allSatisfy(\.isSuccess), "a message is deleted by the handle of its latest receive")
  }

  /// Makes messages visible at once.
  func show(_ messages: [ReceivedMessage]) async throws {
    let changes = messages.map { VisibilityChange(receiptHandle: $0.receiptHandle, timeout: .zero) }
    let outcomes = try await queue.changeVisibility(changes)
    try expect(outcomes.count == messages.count, "a change of visibility has an outcome for each message")
    try expect(
      outcomes.allSatisfy(\.isSuccess), "a message's visibility is changed by the handle of its latest receive")
  }

  func expect(_ condition: Bool, _ promise: String) throws {
    guard condition else { throw QueueContract.Violation(description: "broken: \(promise)") }
  }
}

extension Result {
  var isSuccess: Bool {
    if case .success = self { true } else { false }
  }
}

extension ReceivedMessage {
  var text: String { String(decoding: body, as: UTF8.self) }
}
