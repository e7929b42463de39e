import Foundation
import WorkerKit

/// A queue in the rows of a table, as a database would store it: an example of a transport.
///
/// A receive on an empty queue polls the table, because a table does not report new rows.
public actor TableQueue: MessageQueue {
  private struct Row {
    var message: ReceivedMessage
    var visibleAt: Duration
  }

  /// SQS's maximum message size, which producers expect.
  private static let largestMessage = 1_048_576
  private static let pollInterval = Duration.milliseconds(50)

  public nonisolated let name: String
  private nonisolated let deadLetters: TableQueue?
  private let maxReceiveCount: Int
  private let clock: WorkerClock
  private var rows: [Row] = []

  /// Creates an empty queue.
  ///
  /// - Parameters:
  ///   - deadLetters: The dead-letter queue for messages that were received `maxReceiveCount` times; nil to redeliver
  ///     messages without limit.
  ///   - clock: The clock for visibility timeouts and waits.
  public init(
    _ name: String, deadLetters: TableQueue? = nil, maxReceiveCount: Int = 3, clock: WorkerClock = .continuous
  ) {
    self.name = name
    self.deadLetters = deadLetters
    self.maxReceiveCount = maxReceiveCount
    self.clock = clock
  }

  public func receive(
    maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration
  ) async throws -> [ReceivedMessage] {
    let end = clock.now + waitTime
    while true {
      try Task.checkCancellation()
      await moveDeadLetters()
      let taken = take(maxMessages, until: clock.now + visibilityTimeout)
      guard taken.isEmpty, clock.now < end else { return taken }
      try await clock.sleep(for: min(Self.pollInterval, end - clock.now))
    }
  }

  public func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
    try Task.checkCancellation()
    return receiptHandles.map { handle in
      guard let index = index(of: handle) else { return .failure(Self.lostLease) }
      rows.remove(at: index)
      return .success(())
    }
  }

  public func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>] {
    try Task.checkCancellation()
    return changes.map { change in
      guard let index = index(of: change.receiptHandle) else { return .failure(Self.lostLease) }
      rows[index].visibleAt = clock.now + change.timeout
      return .success(())
    }
  }

  public func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
    try Task.checkCancellation()
    return messages.map { message in
      if let problem = Self.problem(with: message) {
        return .failure(QueueError(code: .init(rawValue: "InvalidMessage"), kind: .badRequest, message: problem))
      }
      let row = ReceivedMessage(
        id: UUID().uuidString, receiptHandle: "", body: Array(message.body.utf8), attributes: message.attributes,
        receiveCount: 0, sentAt: Date(), groupID: message.groupID, traceHeader: message.traceHeader)
      rows.append(Row(message: row, visibleAt: clock.now))
      return .success(row.id)
    }
  }

  public func attributes() async throws -> QueueAttributes {
    try Task.checkCancellation()
    let visible = rows.count { $0.visibleAt <= clock.now }
    return QueueAttributes(
      redrivePolicy: deadLetters.map { .init(deadLetterTargetArn: $0.name, maxReceiveCount: maxReceiveCount) },
      visibleMessages: visible, messagesInFlight: rows.count - visible)
  }

  public func deadLetterQueue() async throws -> (any MessageQueue)? { deadLetters }

  private func take(_ most: Int, until hiddenUntil: Duration) -> [ReceivedMessage] {
    let now = clock.now
    return rows.indices.filter { rows[$0].visibleAt <= now }.prefix(most).map { index in
      rows[index].visibleAt = hiddenUntil
      rows[index].message.receiveCount += 1
      // The handle is valid for this receive only: a worker whose lease has ended cannot settle the message.
      rows[index].message.receiptHandle = UUID().uuidString
      return rows[index].message
    }
  }

  private func moveDeadLetters() async {
    guard let deadLetters else { return }
    let now = clock.now
    func isDead(_ row: Row) -> Bool { row.visibleAt <= now && row.message.receiveCount >= maxReceiveCount }
    let dead = rows.filter(isDead)
    rows.removeAll(where: isDead)
    for row in dead { await deadLetters.add(row.message, from: name) }
  }

  private func add(_ message: ReceivedMessage, from source: String) {
    var message = message
    message.deadLetterQueueSourceARN = source
    rows.append(Row(message: message, visibleAt: clock.now))
  }

  private func index(of handle: String) -> Int? { rows.firstIndex { $0.message.receiptHandle == handle } }

  /// An error for which ``QueueError/isLeaseLost`` is true.
  private static let lostLease = QueueError(
    code: .init(rawValue: "ReceiptHandleIsInvalid"), kind: .badRequest,
    message: "the message was received again, or deleted")

  private static func problem(with message: OutgoingMessage) -> String? {
    let size = message.attributes.reduce(message.body.utf8.count) { size, attribute in
      switch attribute.value.value {
      case .string(let text): size + attribute.key.utf8.count + attribute.value.dataType.utf8.count + text.utf8.count
      case .binary(let bytes): size + attribute.key.utf8.count + attribute.value.dataType.utf8.count + bytes.count
      }
    }
    if size > largestMessage { return "a message must be at most \(largestMessage) bytes, but has \(size)" }
    let isText = message.body.unicodeScalars.allSatisfy { $0.value >= 0x20 || "\t\n\r".unicodeScalars.contains($0) }
    return isText ? nil : "a body must hold no control characters"
  }
}
