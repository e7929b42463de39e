import Foundation

/// A task that moves the messages of a dead-letter queue to their source queues or to another queue.
struct MoveTask {
  /// The maximum number of messages to move before other requests are served.
  private static let batch = 100
  /// The maximum size of their bodies in bytes. It also ensures that a transaction fits in the log of a full disk.
  private static let batchSize = 4 * Limits.messageSize

  private(set) var stored: StoredMoveTask
  /// When the task started or resumed after a restart. Its rate is measured from here.
  private let resumedAt: Milliseconds
  private var movedSince = 0

  init(_ stored: StoredMoveTask, resumedAt: Milliseconds) {
    self.stored = stored
    self.resumedAt = resumedAt
  }

  var isRunning: Bool { stored.status == .running }

  var nextEvent: Milliseconds? {
    guard isRunning else { return nil }
    guard let rate = stored.messagesPerSecond else { return resumedAt }
    return resumedAt + Milliseconds(movedSince * 1000 / rate)
  }

  mutating func cancel(in broker: Broker) throws {
    stored.status = .cancelled
    try broker.storage.save(stored)
  }

  /// Moves as many messages as the task's rate allows.
  mutating func advance(in broker: Broker) throws {
    guard isRunning, let next = nextEvent, next <= broker.now else { return }
    guard let source = broker.queue(arn: stored.sourceArn) else {
      return try fail("AWS.SimpleQueueService.NonExistentQueue", in: broker)
    }
    try broker.settle(source)
    let allowed = stored.messagesPerSecond.map { rate in
      Int(broker.now - resumedAt) * rate / 1000 + 1 - movedSince
    }
    var size = 0
    for _ in 0..<min(allowed ?? Self.batch, Self.batch) where size < Self.batchSize {
      guard let id = source.messages.firstVisible() else {
        stored.status = .completed
        break
      }
      var message = try broker.storage.message(id)
      if message.sentAt <= broker.now - .seconds(source.attributes.retention) {
        source.messages.remove(id)
        try broker.storage.delete(id)
        continue
      }
      guard let arn = stored.destinationArn ?? message.sourceArn else {
        return try fail("CouldNotDetermineMessageSource", in: broker)
      }
      guard let target = broker.queue(arn: arn) else {
        return try fail("AWS.SimpleQueueService.NonExistentQueue", in: broker)
      }
      source.messages.remove(id)
      try broker.storage.delete(id)
      // A moved message counts as a new one.
      message.id = broker.storage.nextMessage()
      message.messageID = newIdentifier()
      message.queue = target.id
      message.sentAt = broker.now
      message.hiddenUntil = broker.now
      message.receivedAt = nil
      message.receiveCount = 0
      message.firstReceivedAt = nil
      message.sourceArn = nil
      try broker.insert(message, into: target)
      size += message.body.utf8.count
      stored.moved += 1
      movedSince += 1
    }
    try broker.storage.save(stored)
  }

  private mutating func fail(_ reason: String, in broker: Broker) throws {
    stored.status = .failed
    stored.failureReason = reason
    try broker.storage.save(stored)
  }
}
