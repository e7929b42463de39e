import Foundation

/// Moves the messages of a dead-letter queue back, or to another queue.
struct MoveTask {
  /// What moves before others are served again.
  private static let batch = 100

  private(set) var stored: StoredMoveTask
  /// Its pace counts from here; after a restart, anew.
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

  /// Moves what its pace allows.
  mutating func advance(in broker: Broker) throws {
    guard isRunning, let next = nextEvent, next <= broker.now else { return }
    guard let source = broker.queue(arn: stored.sourceArn) else {
      return try fail("AWS.SimpleQueueService.NonExistentQueue", in: broker)
    }
    try broker.settle(source)
    let allowed = stored.messagesPerSecond.map { rate in
      Int(broker.now - resumedAt) * rate / 1000 + 1 - movedSince
    }
    for _ in 0..<min(allowed ?? Self.batch, Self.batch) {
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
      // A message that is moved counts as a new one.
      message.id = broker.storage.nextMessage()
      message.messageID = newIdentifier()
      message.queue = target.id
      message.sentAt = broker.now
      message.hiddenUntil = broker.now
      message.receivedAt = 0
      message.receiveCount = 0
      message.firstReceivedAt = nil
      message.sourceArn = nil
      try broker.insert(message, into: target)
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
