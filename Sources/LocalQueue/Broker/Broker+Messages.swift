import Foundation

/// What happens to messages, whichever operation it is for.
extension Broker {
  /// Puts a message on a queue.
  func insert(_ message: StoredMessage, into queue: Queue) throws {
    try storage.insert(message)
    arrivals.insert(queue.id)
    queue.messages.insert(
      message.id,
      MessageIndex.Entry(
        phase: message.hiddenUntil > now ? .delayed : .visible, hiddenUntil: message.hiddenUntil,
        sentAt: message.sentAt, receivedAt: message.receivedAt, receiveCount: message.receiveCount,
        group: queue.messages.isFIFO ? message.groupID : nil))
  }

  /// Receives up to `count` messages; moves to the dead-letter queue what was received too often.
  func receive(_ count: Int, from queue: Queue, visibilityTimeout: Int) throws -> [StoredMessage] {
    try settle(queue)
    let redrive = queue.attributes.redrivePolicy
    let deadLetters = redrive.flatMap { self.queue(arn: $0.deadLetterTargetArn) }
    let hiddenUntil = now + .seconds(visibilityTimeout)
    let taken = queue.messages.take(
      count, at: now, hiddenUntil: hiddenUntil, sentAfter: now - .seconds(queue.attributes.retention),
      // Without its dead-letter queue a message stays where it is.
      maxReceiveCount: deadLetters == nil ? nil : redrive?.maxReceiveCount)
    for id in taken.expired { try storage.delete(id) }
    if let deadLetters {
      for id in taken.dead { try redriveMessage(id, from: queue, to: deadLetters) }
    }
    let messages = try storage.receive(taken.received, at: now, hiddenUntil: hiddenUntil)
    if visibilityTimeout == 0 { queue.messages.showDue(at: now) }
    return messages
  }

  /// Brings a queue up to the present: shows what is due, and drops what is too old.
  func settle(_ queue: Queue) throws {
    queue.messages.showDue(at: now)
    // A receive looks at the age of what it takes. This is for the others, which nobody may ever receive.
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

  /// What the redrive policy asks for: the message keeps its id, its time and its count.
  private func redriveMessage(_ id: Int64, from source: Queue, to target: Queue) throws {
    var message = try storage.message(id)
    try storage.delete(id)
    message.id = storage.nextMessage()
    message.queue = target.id
    message.hiddenUntil = now
    message.sourceArn = source.arn
    try insert(message, into: target)
  }
}
