import WorkerKit

/// A queue that does what it is asked for at once, and keeps nothing: what is measured with it is not the queue.
final class PromptQueue: MessageQueue {
  let name = "prizes"
  private let waiting = Watched<[ReceivedMessage]>([])
  private let deleted = Watched(0)

  /// Lets the next receive have these, all at once.
  func put(_ messages: [ReceivedMessage]) {
    waiting.update { $0 = messages }
  }

  /// Waits until so many were deleted since it was last asked.
  func untilDeleted(_ count: Int) async throws {
    try await deleted.wait { $0 >= count }
    deleted.update { $0 -= count }
  }

  /// - Returns: how many were deleted since it was last asked.
  func takeDeleted() -> Int {
    deleted.update { deleted in
      defer { deleted = 0 }
      return deleted
    }
  }

  func receive(maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration) async throws -> [ReceivedMessage] {
    try await waiting.wait { !$0.isEmpty }
    return waiting.update { waiting in
      defer { waiting = [] }
      return waiting
    }
  }

  func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
    deleted.update { $0 += receiptHandles.count }
    return receiptHandles.map { _ in .success(()) }
  }

  func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>] {
    changes.map { _ in .success(()) }
  }

  func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
    messages.map { _ in .success("sent") }
  }

  func attributes() async throws -> QueueAttributes { QueueAttributes() }

  func deadLetterQueue() async throws -> (any MessageQueue)? { nil }
}
