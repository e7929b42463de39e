package import Foundation

/// Why a letter cannot be sent back to its queue.
package struct RedriveRefusal: Error, CustomStringConvertible {
  package let description: String
}

extension DeadLetter {
  /// The message that brings the event back to its queue, so that handlers know it as the event it was: whatever was
  /// granted for it is not granted again.
  ///
  /// - Parameter isFIFO: Of the queue that it goes to.
  /// - Throws: where the message could not carry the event's identity, or not the same body.
  package func redriven(isFIFO: Bool, at date: Date) throws(RedriveRefusal) -> OutgoingMessage {
    guard let text else {
      throw RedriveRefusal(
        description: "its body is not UTF-8, and SQS would not take it; export it, and send the event anew")
    }
    for attributes in [attributesWithFailure(at: date), message.attributes] {
      guard let attributes else { continue }
      let outgoing = OutgoingMessage(
        body: text, attributes: attributes,
        groupID: message.groupID ?? (isFIFO ? originalMessageID : nil),
        // The letter's own id: the same however often this letter is redriven, and another for the next letter of the
        // same event.
        deduplicationID: isFIFO ? "redrive-\(id)" : nil,
        traceHeader: message.traceHeader)
      if keepsIdentity(outgoing) { return outgoing }
    }
    throw RedriveRefusal(
      description: """
        its attributes leave no room for the event's identity, and without it a prize could be granted twice; export \
        it, and send the event anew with an IdempotencyKey
        """)
  }

  /// - Returns: nil where SQS's limits leave no room.
  private func attributesWithFailure(at date: Date) -> [String: MessageAttribute]? {
    var attributes = message.attributes
    attributes[WorkerFailure.attributeName] = nil
    guard attributes.count < DeadLetterOffice.attributeLimit else { return nil }
    let size = attributes.reduce(message.body.count) { $0 + $1.value.size(named: $1.key) }
    let failure = WorkerFailure(redriving: self, at: date)
    guard let attribute = failure.attribute(fitting: DeadLetterOffice.messageSizeLimit - size) else { return nil }
    attributes[WorkerFailure.attributeName] = attribute
    return attributes
  }

  /// Whether the worker will know the event by the same key, whatever id the new message gets.
  private func keepsIdentity(_ outgoing: OutgoingMessage) -> Bool {
    let received = ReceivedMessage(
      id: "", receiptHandle: "", body: message.body, attributes: outgoing.attributes,
      deduplicationID: outgoing.deduplicationID)
    return MessageIdentity(received).idempotencyKey == idempotencyKey
  }
}
