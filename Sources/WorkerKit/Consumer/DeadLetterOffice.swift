import Logging

/// Sends what cannot be handled to the dead-letter queue that the queue's redrive policy names.
struct DeadLetterOffice: Sendable {
  /// SQS's limit for a message, body and attributes together.
  static let messageSizeLimit = 1_048_576
  /// SQS's limit for a message.
  static let attributeLimit = 10

  let queue: any MessageQueue
  let logger: Logger

  /// - Returns: false where it could not be sent. Then the message is best left where it is: SQS's own redrive moves
  ///   it after maxReceiveCount, with its id.
  func send(_ delivery: Delivery, failure: Failure) async -> Bool {
    let message = delivery.message
    var logger = logger
    for (key, value) in delivery.metadata { logger[metadataKey: key] = value }
    do {
      guard let deadLetters = try await queue.deadLetterQueue() else {
        logger.warning(
          "the queue has no dead-letter queue, so the message stays; give the queue a redrive policy",
          metadata: ["queue": "\(queue.name)"])
        return false
      }
      var letter = Self.letter(for: message, failure: failure, isFIFO: deadLetters.isFIFO)
      if letter == nil {
        let size: Logger.Metadata = [
          "attributes": "\(message.attributes.count)", "bytes": "\(message.body.count)", "failure": "\(failure)",
        ]
        // Left on the queue, it would hold back its group, and use up the receives of those behind it.
        if deadLetters.isFIFO { letter = Self.bareLetter(for: message) }
        logger.warning(
          letter == nil
            ? "the message leaves no room for a WorkerFailure attribute; it is left for the queue's redrive policy"
            : "the message leaves no room for a WorkerFailure attribute; it is dead-lettered without one",
          metadata: size)
      }
      guard let letter else { return false }
      for outcome in try await deadLetters.send([letter]) {
        _ = try outcome.get()
      }
      logger.notice(
        "the message is in the dead-letter queue, with its failure", metadata: ["deadLetters": "\(deadLetters.name)"])
      return true
    } catch {
      let cause = QueueError(wrapping: error)
      logger.warning(
        """
        the message could not be sent to the dead-letter queue; it is left for the queue's redrive policy. \
        The worker needs sqs:SendMessage and sqs:GetQueueUrl on the dead-letter queue, and sqs:GetQueueAttributes \
        on the queue
        """,
        metadata: ["queue": "\(queue.name)", "error": "\(cause)"])
      return false
    }
  }

  /// The message as it came.
  private static func bareLetter(for message: ReceivedMessage) -> OutgoingMessage {
    OutgoingMessage(
      body: String(decoding: message.body, as: UTF8.self), attributes: message.attributes,
      groupID: message.groupID ?? message.id, deduplicationID: message.id, traceHeader: message.traceHeader)
  }

  /// The message as it came, with its failure as one attribute more. Only bytes that are no UTF-8, which SQS itself
  /// would never have taken, become U+FFFD, for a message can carry nothing else.
  ///
  /// - Returns: nil where SQS's limits leave no room for that.
  static func letter(for message: ReceivedMessage, failure: Failure, isFIFO: Bool) -> OutgoingMessage? {
    let body = String(decoding: message.body, as: UTF8.self)
    var attributes = message.attributes
    attributes[WorkerFailure.attributeName] = nil
    guard attributes.count < attributeLimit else { return nil }
    let size = attributes.reduce(body.utf8.count) { $0 + $1.value.size(named: $1.key) }
    let workerFailure = WorkerFailure(failure, of: message)
    guard let attribute = workerFailure.attribute(fitting: messageSizeLimit - size) else { return nil }
    attributes[WorkerFailure.attributeName] = attribute
    return OutgoingMessage(
      body: body, attributes: attributes,
      groupID: message.groupID ?? (isFIFO ? message.id : nil),
      // This message's own id: the same for each try to send this letter, and another for the letter that a redrive may
      // lead to, which a FIFO queue would otherwise drop as a duplicate.
      deduplicationID: isFIFO ? message.id : nil,
      traceHeader: message.traceHeader)
  }
}

extension MessageQueue {
  /// Whether the queue keeps its groups in order: SQS says so by the name.
  package var isFIFO: Bool { name.hasSuffix(".fifo") }
}
