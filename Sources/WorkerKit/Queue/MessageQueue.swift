/// A queue with the semantics of SQS. The consumer uses any queue through this protocol.
///
/// Batch operations take 1 to 10 entries and return one result for each, in order. They throw only if the whole call
/// fails, usually with a ``QueueError``. When the task is cancelled, every operation ends early and throws
/// `CancellationError`.
///
/// `QueueContract` in WorkerTesting checks an implementation.
public protocol MessageQueue: Sendable {
  /// The last part of the queue's URL, for people, logs and metrics. The name of a FIFO queue ends in `.fifo`.
  var name: String { get }

  /// Receives messages and hides them from other consumers.
  ///
  /// - Parameters:
  ///   - maxMessages: The maximum number of messages, 1 to 10.
  ///   - waitTime: How long to wait for the first message, in whole seconds, at most 20.
  ///   - visibilityTimeout: How long the received messages stay invisible to other consumers.
  /// - Returns: The received messages; empty if none arrives within `waitTime`.
  func receive(maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration) async throws -> [ReceivedMessage]

  /// Deletes messages by the receipt handles of their latest receive.
  func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>]

  /// Sets how long messages stay invisible: whole seconds from now; zero makes a message visible at once.
  func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>]

  /// Sends messages. Each result is the id of the new message.
  func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>]

  /// The attributes of the queue.
  func attributes() async throws -> QueueAttributes

  /// The dead-letter queue of the redrive policy; nil if the queue has no redrive policy.
  func deadLetterQueue() async throws -> (any MessageQueue)?
}

extension MessageQueue {
  /// Whether the queue is a FIFO queue. As in SQS, its name ends in `.fifo`.
  package var isFIFO: Bool { name.hasSuffix(".fifo") }
}
