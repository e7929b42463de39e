import WorkerKit
import WorkerLocks

/// A queue that does what it is asked for at once, and keeps nothing: what is measured with it is not the queue.
///
/// One who waits for deletions is all that it serves beside the receives, with as little as that takes.
final class PromptQueue: MessageQueue {
  private struct State {
    var messages: [ReceivedMessage] = []
    var receivers: [CheckedContinuation<[ReceivedMessage], Never>] = []
    var deleted = 0
    var awaited = 0
    var waiter: CheckedContinuation<Void, Never>?
  }

  let name = "prizes"
  private let state = Mutex(State())

  /// Lets one receive have these, all at once.
  func put(_ messages: [ReceivedMessage]) {
    let receiver = state.withLock { state in
      if state.receivers.isEmpty { state.messages = messages }
      return state.receivers.popLast()
    }
    receiver?.resume(returning: messages)
  }

  func receive(maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration) async throws -> [ReceivedMessage] {
    await withCheckedContinuation { continuation in
      let messages = state.withLock { state in
        defer { state.messages = [] }
        if state.messages.isEmpty { state.receivers.append(continuation) }
        return state.messages
      }
      if !messages.isEmpty { continuation.resume(returning: messages) }
    }
  }

  func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
    let waiter = state.withLock { state in
      state.deleted += receiptHandles.count
      return Self.takeWaiter(&state)
    }
    waiter?.resume()
    return receiptHandles.map { _ in .success(()) }
  }

  /// Waits until so many more were deleted than the earlier waits were for.
  func untilDeleted(_ count: Int) async {
    await withCheckedContinuation { continuation in
      let waiter = state.withLock { state in
        state.awaited = count
        state.waiter = continuation
        return Self.takeWaiter(&state)
      }
      waiter?.resume()
    }
  }

  private static func takeWaiter(_ state: inout State) -> CheckedContinuation<Void, Never>? {
    guard state.deleted >= state.awaited, let waiter = state.waiter else { return nil }
    state.deleted -= state.awaited
    state.waiter = nil
    return waiter
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
