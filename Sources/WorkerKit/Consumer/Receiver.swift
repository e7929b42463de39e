import Logging

/// Makes a consumer's receives, several at once where the queue is deep, and begins the handling of what they bring.
final class Receiver: Sendable {
  private struct State {
    var failures = ReceiveFailures()
    var failure: (any Error)?
    /// Counts are approximate, and a message may be between two of them: one look is not enough.
    var emptyLooks = 0
  }

  /// How long a queue that is to be emptied may fail.
  private static let patience = Duration.seconds(120)

  let consumer: QueueConsumer
  private let state = Locked(State())

  init(consumer: QueueConsumer) {
    self.consumer = consumer
  }

  /// Why the consumer cannot go on.
  var failure: (any Error)? { state.withLock { $0.failure } }

  /// Receives once, into slots that were reserved for it. All that has come is being handled when this returns.
  func receive(_ slots: Int) async {
    consumer.progress.enter(.receiving)
    do {
      let messages = try await unlessCut { try await self.messages(slots) }
      if consumer.configuration.stopsWhenEmpty, messages.isEmpty { try await closeIfEmpty() }
      handle(messages, slots)
    } catch is CancellationError {
      consumer.inFlight.giveBack(slots)
    } catch {
      consumer.metrics.noteReceiveFailure(error)
      await consumer.inFlight.giveBack(slots) { await pause(after: error) }
    }
  }

  private func messages(_ slots: Int) async throws -> [ReceivedMessage] {
    let configuration = consumer.configuration
    return try await consumer.queue.receive(
      maxMessages: slots,
      waitTime: configuration.stopsWhenEmpty ? min(configuration.waitTime, .seconds(1)) : configuration.waitTime,
      visibilityTimeout: configuration.visibilityTimeout)
  }

  /// Receives until a shutdown begins. That cuts a poll which waits, and at once; one that was just sent gets a moment
  /// to be answered, for the queue may have handed out messages that would stay invisible for their whole timeout.
  private func unlessCut(
    _ receive: @escaping @Sendable () async throws -> [ReceivedMessage]
  ) async throws -> [ReceivedMessage] {
    let cut = consumer.clock.now + consumer.configuration.receiveGrace
    let task = Task { try await receive() }
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      consumer.deadlines.set(at: cut) { task.cancel() }
    }
  }

  private func handle(_ messages: [ReceivedMessage], _ slots: Int) {
    consumer.metrics.noteReceive(messages)
    let receivedAt = consumer.clock.now
    let places = consumer.queue.isFIFO ? GroupPlace.places(for: messages) : messages.map { _ in nil }
    let deliveries = zip(messages, places).map { message, place in
      Delivery(
        message: message, receivedAt: receivedAt, visibilityTimeout: consumer.configuration.visibilityTimeout,
        place: place)
    }
    let filled = consumer.inFlight.fill(deliveries, of: slots)
    consumer.metrics.noteSlots(consumer.inFlight)
    for (index, delivery) in deliveries.enumerated() {
      delivery.handle { [consumer] in await consumer.handle(delivery, hasSlot: index < filled) }
    }
    state.withLock { state in
      state.failures.end(consumer.logger)
      if !deliveries.isEmpty { state.emptyLooks = 0 }
    }
    consumer.progress.noteReceive()
    consumer.logging.sayHowManyMore(consumer.logger)
  }

  /// Ends the receiving where the queue is empty. Of several receives that come back empty together, the last one looks.
  private func closeIfEmpty() async throws {
    guard consumer.inFlight.receives == 1 else { return }
    let isEmpty = try await consumer.queue.attributes().isEmpty
    let looks = state.withLock { state in
      state.emptyLooks = isEmpty ? state.emptyLooks + 1 : 0
      return state.emptyLooks
    }
    if looks == 2 { consumer.inFlight.close() }
  }

  private func pause(after error: any Error) async {
    let now = consumer.clock.now
    let (delay, isOver) = state.withLock { state in
      let delay = state.failures.add(error, at: now, consumer.logger)
      let isOver =
        consumer.configuration.stopsWhenEmpty && state.failures.duration(until: now) >= Self.patience
      if isOver { state.failure = error }
      return (delay, isOver)
    }
    consumer.progress.enter(.failing("\(QueueError(wrapping: error))"))
    guard !isOver else { return consumer.inFlight.close() }
    try? await consumer.clock.sleep(for: delay)
  }
}
