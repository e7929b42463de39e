package import Foundation

/// Why a dead letter cannot be redriven to its queue.
package struct RedriveRefusal: Error, CustomStringConvertible {
  package let description: String
}

/// What an operator sends in place of a dead letter's body.
package struct DeadLetterEdit: Sendable {
  package var body: String
  /// Whether it is another event: then whatever was granted for the first one does not keep this one from being handled.
  package var isNewEvent: Bool

  package init(body: String, isNewEvent: Bool) {
    self.body = body
    self.isNewEvent = isNewEvent
  }
}

extension DeadLetter {
  /// The dead letter with another body.
  package func edited(_ body: String) -> DeadLetter {
    var message = message
    message.body = Array(body.utf8)
    return DeadLetter(message)
  }

  /// The message that goes to the queue, as the same event or as a new one.
  func outgoing(_ edit: DeadLetterEdit?, isFIFO: Bool, at date: Date) throws(RedriveRefusal) -> OutgoingMessage {
    guard let edit else { return try redriven(isFIFO: isFIFO, at: date) }
    let deadLetter = edited(edit.body)
    guard edit.isNewEvent else {
      let outgoing = try deadLetter.redriven(isFIFO: isFIFO, at: date)
      guard outgoing.size <= OutgoingMessage.sizeLimit else { throw Self.tooLarge }
      return outgoing
    }
    var attributes = message.attributes
    attributes[WorkerFailure.attributeName] = nil
    // The key names the first event.
    attributes[MessageIdentity.attributeName] = nil
    let outgoing = OutgoingMessage(
      body: edit.body, attributes: attributes, groupID: message.groupID ?? (isFIFO ? originalMessageID : nil),
      deduplicationID: isFIFO ? "edit-\(id)-\(Int(date.timeIntervalSince1970 * 1000))" : nil)
    guard outgoing.size <= OutgoingMessage.sizeLimit else { throw Self.tooLarge }
    return outgoing
  }

  private static let tooLarge = RedriveRefusal(
    description: "it is larger than the 1 MiB that SQS takes, attributes included; make it shorter")

  /// The message that redrives the event to its queue. Handlers recognize the event by its idempotency key, so a prize
  /// that was granted for it is not granted again.
  ///
  /// - Parameter isFIFO: Whether the target queue is a FIFO queue.
  /// - Throws: If the message cannot carry the event's identity or the same body.
  package func redriven(isFIFO: Bool, at date: Date) throws(RedriveRefusal) -> OutgoingMessage {
    guard let text else {
      throw RedriveRefusal(
        description: "its body is not UTF-8, so SQS would refuse it; export it, and send the event again")
    }
    for attributes in [attributesWithFailure(at: date), message.attributes] {
      guard let attributes else { continue }
      let outgoing = OutgoingMessage(
        body: text, attributes: attributes,
        groupID: message.groupID ?? (isFIFO ? originalMessageID : nil),
        // The dead letter's own id: the same for every redrive of this dead letter, and different for the next dead
        // letter of the same event.
        deduplicationID: isFIFO ? "redrive-\(id)" : nil,
        traceHeader: message.traceHeader)
      if keepsIdentity(outgoing) { return outgoing }
    }
    throw RedriveRefusal(
      description: """
        its attributes leave no room for the event's identity, and without it a prize could be granted twice; export \
        it, and send the event again with an IdempotencyKey
        """)
  }

  /// The message that puts a discarded dead letter back into its dead-letter queue, with its failure and its event's identity.
  ///
  /// - Parameter isFIFO: Of the dead-letter queue.
  /// - Throws: where the message could not carry the event's identity, or not the same body.
  package func restored(isFIFO: Bool, at date: Date) throws(RedriveRefusal) -> OutgoingMessage {
    guard failure != nil, let text else { return try redriven(isFIFO: isFIFO, at: date) }
    return OutgoingMessage(
      body: text, attributes: message.attributes, groupID: message.groupID ?? (isFIFO ? originalMessageID : nil),
      deduplicationID: isFIFO ? "restore-\(id)" : nil, traceHeader: message.traceHeader)
  }

  /// Adds the failure record to the message attributes.
  ///
  /// - Returns: nil if SQS's limits leave no room.
  private func attributesWithFailure(at date: Date) -> [String: MessageAttribute]? {
    var attributes = message.attributes
    attributes[WorkerFailure.attributeName] = nil
    guard attributes.count < OutgoingMessage.attributeLimit else { return nil }
    let size = attributes.reduce(message.body.count) { $0 + $1.value.size(named: $1.key) }
    let failure = WorkerFailure(redriving: self, at: date)
    guard let attribute = failure.attribute(fitting: OutgoingMessage.sizeLimit - size) else { return nil }
    attributes[WorkerFailure.attributeName] = attribute
    return attributes
  }

  /// Whether the worker will derive the same idempotency key, regardless of the new message's id.
  private func keepsIdentity(_ outgoing: OutgoingMessage) -> Bool {
    let received = ReceivedMessage(
      id: "", receiptHandle: "", body: message.body, attributes: outgoing.attributes,
      deduplicationID: outgoing.deduplicationID)
    return MessageIdentity(received).idempotencyKey == idempotencyKey
  }
}

extension WorkerFailure {
  /// The record of a redriven dead letter, which preserves the event's identity.
  init(redriving deadLetter: DeadLetter, at date: Date) {
    if let failure = deadLetter.failure ?? deadLetter.claimedFailure {
      self = failure
    } else {
      kind = ErrorKind.unexpected.rawValue
      message = "it was received too often, so the queue's redrive policy moved it; the reason is in the worker's log"
      receiveCount = deadLetter.message.receiveCount
      firstReceived = deadLetter.message.firstReceivedAt?.formatted(.iso8601)
      messageId = deadLetter.originalMessageID
    }
    // The record of a redriven message is an unverified claim, regardless of who wrote it.
    failedMessageId = nil
    queue = deadLetter.queue
    redriven = date.formatted(.iso8601)
  }
}
