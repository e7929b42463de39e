import TestSupport
import WorkerTesting

@testable import WorkerKit

/// A queue in memory whose calls wait at gates. All gates are open, except those that a test closes.
final class GatedQueue: MessageQueue {
  let queue: InMemoryQueue
  let deletions = Gate()
  let changes = Gate()
  let sends = Gate()
  private let deadLetters: GatedQueue?

  init(_ queue: InMemoryQueue, deadLetters: GatedQueue? = nil) {
    self.queue = queue
    self.deadLetters = deadLetters
    for gate in [deletions, changes, sends] { gate.open() }
  }

  var name: String { queue.name }

  func receive(maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration) async throws -> [ReceivedMessage] {
    try await queue.receive(maxMessages: maxMessages, waitTime: waitTime, visibilityTimeout: visibilityTimeout)
  }

  func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
    try await deletions.pass()
    return try await queue.delete(receiptHandles)
  }

  func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>] {
    try await self.changes.pass()
    return try await queue.changeVisibility(changes)
  }

  func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
    try await sends.pass()
    return try await queue.send(messages)
  }

  func attributes() async throws -> QueueAttributes { try await queue.attributes() }

  func deadLetterQueue() async throws -> (any MessageQueue)? {
    if let deadLetters { return deadLetters }
    return try await queue.deadLetterQueue()
  }
}
