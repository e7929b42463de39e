import Logging

/// Sends messages that cannot be handled to the dead-letter queue of the redrive policy.
struct DeadLetterPublisher: Sendable {
  let queue: any MessageQueue
  let logger: Logger
  let log: FoldedLog

  /// Sends a message with its failure record to the dead-letter queue.
  ///
  /// - Parameters:
  ///   - route: The label of the message's route.
  ///   - metadata: The metadata of every log line.
  /// - Returns: Whether the message was sent. If it was not, leave it on the queue: SQS's redrive policy moves it after
  ///   maxReceiveCount, with its id.
  func send(
    _ message: ReceivedMessage, failure: HandlingFailure, route: String?, metadata: Logger.Metadata
  ) async -> Bool {
    var logger = logger
    for (key, value) in metadata { logger[metadataKey: key] = value }
    do {
      guard let deadLetters = try await queue.deadLetterQueue() else {
        log.log(
          logger, .warning,
          "the queue has no dead-letter queue, so the message stays on it; add a redrive policy",
          ["queue": "\(queue.name)"], route: route)
        return false
      }
      var deadLetter = Self.deadLetter(for: message, of: queue.name, failure: failure, isFIFO: deadLetters.isFIFO)
      if deadLetter == nil {
        let size: Logger.Metadata = [
          "attributes": "\(message.attributes.count)", "bytes": "\(message.body.count)", "failure": "\(failure)",
        ]
        // If it stayed on the queue, it would block its group and use up the retries of the messages behind it.
        if deadLetters.isFIFO { deadLetter = Self.bareDeadLetter(for: message) }
        log.log(
          logger, .warning,
          deadLetter == nil
            ? "the message has no room for a WorkerFailure attribute; it is left to the queue's redrive policy"
            : "the message has no room for a WorkerFailure attribute; it is dead-lettered without one",
          size, route: route)
      }
      guard let deadLetter else { return false }
      for outcome in try await deadLetters.send([deadLetter]) {
        _ = try outcome.get()
      }
      log.log(
        logger, .notice, "the message was dead-lettered",
        ["deadLetters": "\(deadLetters.name)"], route: route, detail: failure.message)
      return true
    } catch {
      let cause = QueueError(wrapping: error)
      log.log(
        logger, .warning,
        """
        the message could not be sent to the dead-letter queue; it is left for the queue's redrive policy. \
        The worker needs sqs:SendMessage and sqs:GetQueueUrl on the dead-letter queue, and sqs:GetQueueAttributes \
        on the queue
        """,
        ["queue": "\(queue.name)", "error": "\(cause)"], route: route, detail: "\(cause)")
      return false
    }
  }

  /// The received message without a failure record. A record that the message already carried would pass for this
  /// worker's, and cannot stem from a redrive, which would have left room for a new record.
  private static func bareDeadLetter(for message: ReceivedMessage) -> OutgoingMessage {
    var attributes = message.attributes
    attributes[WorkerFailure.attributeName] = nil
    return OutgoingMessage(
      body: String(decoding: message.body, as: UTF8.self), attributes: attributes,
      groupID: message.groupID ?? message.id, deduplicationID: message.id, traceHeader: message.traceHeader)
  }

  /// The received message with its failure record as an additional attribute. Bytes that are not UTF-8 are replaced by
  /// U+FFFD, because an SQS message is text.
  ///
  /// - Parameters:
  ///   - queue: The name of the message's queue.
  ///   - isFIFO: Whether the dead-letter queue is a FIFO queue.
  /// - Returns: nil if SQS's limits leave no room for the record.
  static func deadLetter(
    for message: ReceivedMessage, of queue: String, failure: HandlingFailure, isFIFO: Bool
  ) -> OutgoingMessage? {
    let body = String(decoding: message.body, as: UTF8.self)
    var attributes = message.attributes
    attributes[WorkerFailure.attributeName] = nil
    guard attributes.count < OutgoingMessage.attributeLimit else { return nil }
    let size = attributes.reduce(body.utf8.count) { $0 + $1.value.size(named: $1.key) }
    let workerFailure = WorkerFailure(failure, of: message, in: queue)
    guard let attribute = workerFailure.attribute(fitting: OutgoingMessage.sizeLimit - size) else { return nil }
    attributes[WorkerFailure.attributeName] = attribute
    return OutgoingMessage(
      body: body, attributes: attributes,
      groupID: message.groupID ?? (isFIFO ? message.id : nil),
      // The message's own id: the same for each attempt to send this dead letter, and different for a dead letter that
      // follows a redrive, which a FIFO queue would otherwise drop as a duplicate.
      deduplicationID: isFIFO ? message.id : nil,
      traceHeader: message.traceHeader)
  }
}
