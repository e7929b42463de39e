import Logging

/// Tells the queue what became of a message: the one place where a ``Settlement`` turns into calls.
///
/// Calls go out in batches, are tried again while the lease lasts, and are not cut off by cancellation: work that was
/// done is also acknowledged.
package struct Settler: Sendable {
  private let deletions: Batcher<String>
  private let visibilities: Batcher<VisibilityChange>
  private let deadLetters: DeadLetterOffice
  private let clock: WorkerClock
  private let logger: Logger

  /// - Parameter window: How long a single request waits for others to share its call.
  init(queue: any MessageQueue, clock: WorkerClock, deadlines: Deadlines, logger: Logger, window: Duration) {
    deletions = Batcher(window: window, deadlines: deadlines) { try await queue.delete($0) }
    visibilities = Batcher(window: window, deadlines: deadlines) { try await queue.changeVisibility($0) }
    deadLetters = DeadLetterOffice(queue: queue, logger: logger)
    self.clock = clock
    self.logger = logger
  }

  /// - Returns: what really became of the message; ``Settlement/leave(_:)`` where it could not be dead-lettered.
  package func settle(_ delivery: Delivery, _ settlement: Settlement) async -> Settlement {
    switch settlement {
    case .delete:
      await delete(delivery)
    case .retry(let delay, _):
      await hide(delivery, for: retryTimeout(delay, for: delivery))
    case .release:
      await hide(delivery, for: .zero)
    case .deadLetter(let failure):
      let isSent = await shieldedFromCancellation { await deadLetters.send(delivery, failure: failure) }
      guard isSent else { return .leave(failure) }
      await delete(delivery)
    case .leave:
      break
    }
    return settlement
  }

  /// Makes a delivery invisible for so long from now: a lease's renewal.
  func extend(_ delivery: Delivery, by timeout: Duration) async -> Result<Void, QueueError> {
    await visibilities.submit(VisibilityChange(receiptHandle: delivery.message.receiptHandle, timeout: timeout))
  }

  /// Whole seconds, and no more than is left of SQS's twelve hours.
  private func retryTimeout(_ delay: Duration, for delivery: Delivery) -> Duration {
    Lease.extension(.seconds(delay.inWholeSeconds), heldFor: clock.now - delivery.receivedAt)
  }

  private func hide(_ delivery: Delivery, for timeout: Duration) async {
    await insist("the message comes back when its visibility timeout ends", delivery) {
      await extend(delivery, by: timeout)
    }
  }

  private func delete(_ delivery: Delivery) async {
    await insist("the message will be delivered again, and handlers must recognise its idempotency key", delivery) {
      await deletions.submit(delivery.message.receiptHandle)
    }
  }

  /// Tries a call until it succeeds, or the lease is over and trying is no use.
  private func insist(
    _ consequence: String, _ delivery: Delivery, _ call: () async -> Result<Void, QueueError>
  ) async {
    let backoff = Backoff(base: .milliseconds(100), factor: 2, max: .seconds(5), jitter: .none)
    var attempt = 1
    while case .failure(let error) = await call() {
      let delay = backoff.delay(afterAttempt: attempt, random: 1)
      guard !error.isLeaseLost, clock.now + delay < delivery.leaseEnd else {
        logger.warning(
          "a message could not be settled",
          metadata: delivery.metadata.merging(["error": "\(error)", "consequence": "\(consequence)"]) { $1 })
        return
      }
      await shieldedFromCancellation { try? await clock.sleep(for: delay) }
      attempt += 1
    }
  }
}
