import Logging
import ServiceLifecycle
import WorkerLocks

/// Makes a consumer's receives, several at once where the queue is deep, and begins the handling of what they bring.
final class Receiver: Sendable {
  private struct State {
    var failure: (any Error)?
    /// Counts are approximate, and a message may be between two of them: one look is not enough.
    var emptyChecks = 0
  }

  /// How long a queue that is to be emptied may fail.
  private static let patience = Duration.seconds(120)

  let consumer: QueueConsumer
  private let state = Mutex(State())

  init(consumer: QueueConsumer) {
    self.consumer = consumer
  }

  /// Why the consumer cannot go on.
  var failure: (any Error)? { state.withLock { $0.failure } }

  /// Receives once, no more than was reserved for it. The leases of all that has come are kept when this returns.
  func receive(_ slots: Int) async {
    let number = consumer.progress.beginReceive()
    let start = consumer.clock.now
    let result: Result<[ReceivedMessage], any Error>
    do {
      let messages = try await messages(slots)
      if consumer.configuration.stopsWhenEmpty, messages.isEmpty { try await closeIfEmpty() }
      result = .success(messages)
    } catch {
      result = .failure(error)
    }
    consumer.progress.endReceive(number)
    switch result {
    case .success(let messages):
      handle(messages, slots, since: start)
    case .failure(is CancellationError):
      consumer.inFlight.release(slots)
    case .failure(let error):
      consumer.metrics.recordReceiveFailure(error)
      await consumer.inFlight.release(slots) { await pause(after: error) }
    }
  }

  private func messages(_ slots: Int) async throws -> [ReceivedMessage] {
    let configuration = consumer.configuration
    return try await consumer.queue.receive(
      maxMessages: slots,
      waitTime: configuration.stopsWhenEmpty ? min(configuration.waitTime, .seconds(1)) : configuration.waitTime,
      visibilityTimeout: configuration.visibilityTimeout)
  }

  private func handle(_ messages: [ReceivedMessage], _ slots: Int, since start: Duration) {
    consumer.metrics.recordReceive(messages)
    let receivedAt = consumer.clock.now
    let orders = consumer.queue.isFIFO ? FIFOOrder.orders(of: messages) : nil
    let deliveries = messages.indices.map { index in
      Delivery(
        message: messages[index], receivedAt: receivedAt,
        visibilityTimeout: consumer.configuration.visibilityTimeout, order: orders?[index])
    }
    // From here on: its task may wait long for a slot, and for a thread.
    for delivery in deliveries { consumer.lease.keep(delivery) }
    consumer.begin(consumer.inFlight.fill(deliveries, of: slots, after: receivedAt - start))
    consumer.metrics.recordSlots(consumer.inFlight)
    if !deliveries.isEmpty { state.withLock { $0.emptyChecks = 0 } }
    consumer.progress.recordReceive(consumer.logger)
    consumer.log.reportFolded(consumer.logger)
  }

  /// Ends the receiving where the queue is empty. Of several receives that come back empty together, the last one looks.
  private func closeIfEmpty() async throws {
    guard consumer.inFlight.receives == 1 else { return }
    let isEmpty = try await consumer.queue.attributes().isEmpty
    let looks = state.withLock { state in
      state.emptyChecks = isEmpty ? state.emptyChecks + 1 : 0
      return state.emptyChecks
    }
    if looks == 2 { consumer.inFlight.close() }
  }

  private func pause(after error: any Error) async {
    let (delay, failing) = consumer.progress.recordFailure(error, consumer.logger)
    if consumer.configuration.stopsWhenEmpty, failing >= Self.patience {
      state.withLock { $0.failure = error }
      return consumer.inFlight.close()
    }
    // A shutdown needs no next try.
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await self.consumer.clock.sleep(for: delay) }
      group.addTask { try? await self.consumer.inFlight.untilClosed() }
      await group.next()
      group.cancelAll()
    }
  }
}
