import Foundation

/// The message operations that several API operations share.
extension Broker {
  /// Adds a message to a queue.
  func insert(_ message: StoredMessage, into queue: Queue) throws {
    try storage.insert(message)
    arrivals.insert(queue.id)
    queue.messages.insert(
      message.id,
      MessageIndex.Entry(
        phase: message.hiddenUntil > now ? .delayed : .visible, hiddenUntil: message.hiddenUntil,
        sentAt: message.sentAt, receivedAt: message.receivedAt ?? 0, receiveCount: message.receiveCount,
        group: queue.messages.isFIFO ? message.groupID : nil))
  }

  /// Receives up to `count` messages, and moves those that were received too often to the dead-letter queue.
  func receive(_ count: Int, from queue: Queue, visibilityTimeout: Int) throws -> [StoredMessage] {
    try settle(queue)
    let redrive = queue.attributes.redrivePolicy
    let deadLetters = redrive.flatMap { self.queue(arn: $0.deadLetterTargetArn) }
    let hiddenUntil = now + .seconds(visibilityTimeout)
    let taken = queue.messages.take(
      count, at: now, hiddenUntil: hiddenUntil, sentAfter: now - .seconds(queue.attributes.retention),
      // Without its dead-letter queue, a message stays on the queue.
      maxReceiveCount: deadLetters == nil ? nil : redrive?.maxReceiveCount)
    for id in taken.expired { try storage.delete(id) }
    if let deadLetters {
      for id in taken.dead { try redriveMessage(id, from: queue, to: deadLetters) }
    }
    let messages = try storage.receive(taken.received, at: now, hiddenUntil: hiddenUntil)
    if visibilityTimeout == 0 { queue.messages.showDue(at: now) }
    return messages
  }

  /// Updates a queue to the current time: shows messages that are due, and removes expired ones.
  func settle(_ queue: Queue) throws {
    queue.messages.showDue(at: now)
    // A receive checks the age of the messages that it returns. This removes the messages that are never received.
    guard now - queue.lastExpiry >= .seconds(60) else { return }
    queue.lastExpiry = now
    for id in queue.messages.expire(sentBefore: now - .seconds(queue.attributes.retention)) {
      try storage.delete(id)
    }
    if now - lastCleanUp >= .seconds(60) {
      lastCleanUp = now
      try storage.forgetDeduplications(before: now - .seconds(Limits.deduplicationInterval))
    }
  }

  /// Applies a FIFO queue's delay to its messages, because a change of the delay is retroactive there. Source: the
  /// developer guide, "Amazon SQS delay queues".
  func delayMessages(of queue: Queue) throws {
    try storage.delayMessages(of: queue.id, by: .seconds(queue.attributes.delay))
    queue.messages.removeAll()
    try storage.forEachMessage(of: queue.id, at: now) { _, id, entry in queue.messages.insert(id, entry) }
  }

  /// Applies the redrive policy to a message, which keeps its id and its receive count. Between FIFO queues its
  /// deduplication id becomes the message id, and its sent time becomes the current time. Source: the developer guide,
  /// "Setting-up dead-letter queue retention" and "Learn how to configure a dead-letter queue redrive".
  private func redriveMessage(_ id: Int64, from source: Queue, to target: Queue) throws {
    var message = try storage.message(id)
    try storage.delete(id)
    message.id = storage.nextMessage()
    message.queue = target.id
    message.hiddenUntil = now
    message.sourceArn = source.arn
    if target.attributes.isFIFO {
      message.deduplicationID = message.messageID
      message.sentAt = now
    }
    try insert(message, into: target)
  }
}
