import Logging
import Tracing

/// Tells the queue what became of a message: the one place where a ``Settlement`` turns into calls.
///
/// Calls go out in batches, are tried again while the lease lasts, and are not cut off by cancellation: work that was
/// done is also acknowledged. They are made on the worker's thread, whatever handlers do.
package final class Settler: Sendable {
  private let deletions: Batcher<String>
  private let visibilities: Batcher<VisibilityChange>
  private let deadLetters: DeadLetterPublisher
  private let clock: WorkerClock
  private let logger: Logger
  private let log: FoldedLog

  /// - Parameters:
  ///   - deletionWindow: How long a single deletion waits for others to share its call.
  ///   - visibilityWindow: The same of a change of a visibility.
  init(
    queue: any MessageQueue, clock: WorkerClock, deadlines: TimerQueue, logger: Logger, log: FoldedLog,
    deletionWindow: Duration, visibilityWindow: Duration
  ) {
    deletions = Batcher(window: deletionWindow, deadlines: deadlines) { try await queue.delete($0) }
    visibilities = Batcher(window: visibilityWindow, deadlines: deadlines) { try await queue.changeVisibility($0) }
    deadLetters = DeadLetterPublisher(queue: queue, logger: logger, log: log)
    self.clock = clock
    self.logger = logger
    self.log = log
  }

  /// Settles a delivery. The lease is kept until its end, but for a change of the visibility.
  ///
  /// - Parameters:
  ///   - lease: Keeps the delivery's lease so far.
  ///   - completion: Gets what really became of the message, on the worker's thread.
  func settle(
    _ delivery: Delivery, _ settlement: Settlement, lease: Lease?, completion: @escaping @Sendable (Settlement) -> Void
  ) {
    // Nearly all, and so without a task of its own.
    if case .delete = settlement {
      return deletions.submit(delivery.message.receiptHandle) { outcome in
        if case .success = outcome {
          lease?.end(delivery)
          return completion(settlement)
        }
        // From here on the lease is what is left of it: kept for as long as a deletion fails, it might never end.
        lease?.end(delivery)
        Task(executorPreference: WorkerThread.shared) {
          let isDeleted = await self.delete(delivery, after: outcome)
          completion(isDeleted ? settlement : .unsettled(settlement))
        }
      }
    }
    // What is said and sent because of a failure belongs to the trace in which it failed.
    let context = settlement.failure?.traceContext ?? .topLevel
    Task(executorPreference: WorkerThread.shared) {
      await ServiceContext.withValue(context) {
        completion(await self.perform(settlement, of: delivery, lease))
      }
    }
  }

  /// Settles a delivery whose lease nobody keeps.
  package func settle(_ delivery: Delivery, _ settlement: Settlement) async -> Settlement {
    await withCheckedContinuation { caller in
      settle(delivery, settlement, lease: nil) { caller.resume(returning: $0) }
    }
  }

  /// - Returns: ``Settlement/leave(_:)`` where the message could not be dead-lettered.
  private func perform(_ settlement: Settlement, of delivery: Delivery, _ lease: Lease?) async -> Settlement {
    let isDone: Bool
    switch settlement {
    case .retry(let delay, _):
      await lease?.endForChange(delivery)
      isDone = await hide(delivery, for: retryTimeout(delay, for: delivery))
    case .postpone(let delay):
      await lease?.endForChange(delivery)
      isDone = await hide(delivery, for: retryTimeout(delay, for: delivery))
    case .release:
      await lease?.endForChange(delivery)
      isDone = await hide(delivery, for: .zero)
    case .deadLetter(let failure):
      // Up to three calls with their tries, for which the lease is kept.
      let isSent = await deadLetters.send(
        delivery.message, failure: failure, route: delivery.route, metadata: delivery.metadata)
      if !isSent, let delay = failure.backoffOfLastAttempt {
        // The queue's own policy moves it when it is received again.
        return await perform(.retry(after: delay, failure), of: delivery, lease)
      }
      lease?.end(delivery)
      guard isSent else { return .leave(failure) }
      isDone = await delete(delivery, after: nil)
    case .delete:
      lease?.end(delivery)
      isDone = await delete(delivery, after: nil)
    case .leave, .unsettled, .lost:
      lease?.end(delivery)
      isDone = true
    }
    return isDone ? settlement : .unsettled(settlement)
  }

  /// Makes a delivery invisible for so long from now: a lease's renewal.
  ///
  /// - Parameter completion: Gets the queue's answer, on the worker's thread.
  func extend(
    _ delivery: Delivery, by timeout: Duration, completion: @escaping @Sendable (Result<Void, QueueError>) -> Void
  ) {
    visibilities.submit(Self.change(delivery, timeout), completion: completion)
  }

  private static func change(_ delivery: Delivery, _ timeout: Duration) -> VisibilityChange {
    VisibilityChange(receiptHandle: delivery.message.receiptHandle, timeout: timeout)
  }

  /// Whole seconds, and no more than is left of SQS's twelve hours.
  private func retryTimeout(_ delay: Duration, for delivery: Delivery) -> Duration {
    Lease.extension(.seconds(delay.inWholeSeconds), heldFor: clock.now - delivery.receivedAt)
  }

  private func hide(_ delivery: Delivery, for timeout: Duration) async -> Bool {
    await retry("the message is delivered again when its visibility timeout ends", delivery, after: nil) {
      await visibilities.submit(Self.change(delivery, timeout))
    }
  }

  /// - Parameter first: The outcome of the first try, where there was one.
  private func delete(_ delivery: Delivery, after first: Result<Void, QueueError>?) async -> Bool {
    await retry(
      "the message will be delivered again, and handlers must recognise its idempotency key", delivery, after: first
    ) {
      await deletions.submit(delivery.message.receiptHandle)
    }
  }

  /// Makes a call until it succeeds, or the lease is over and trying is no use.
  ///
  /// - Returns: whether it has succeeded.
  private func retry(
    _ consequence: String, _ delivery: Delivery, after first: Result<Void, QueueError>?,
    _ call: () async -> Result<Void, QueueError>
  ) async -> Bool {
    let backoff = Backoff(base: .milliseconds(100), factor: 2, max: .seconds(5), jitter: .none)
    var attempt = 1
    var outcome: Result<Void, QueueError>
    if let first { outcome = first } else { outcome = await call() }
    while case .failure(let error) = outcome {
      let delay = backoff.delay(afterAttempt: attempt, random: 1)
      guard !error.isLeaseLost, clock.now + delay < delivery.leaseEnd else {
        log.log(
          logger, .warning, "a message could not be settled",
          delivery.metadata.merging(["error": "\(error)", "consequence": "\(consequence)"]) { $1 },
          route: delivery.route, detail: "\(error)")
        return false
      }
      try? await clock.sleep(for: delay)
      attempt += 1
      outcome = await call()
    }
    return true
  }
}
