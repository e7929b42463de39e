package import Logging
import Metrics
import ServiceLifecycle

/// Measures the number of messages in queues and their dead-letter queues at an interval: `worker.queue.messages` and
/// `worker.dead_letters`.
///
/// Each measurement is one GetQueueAttributes request for the queue and one for its dead-letter queue. At the usual
/// interval of 30 seconds, that is about 5,800 requests a day for each queue. While a queue cannot be read, its metrics
/// have no values.
package struct QueueDepthMonitor: Service {
  package static let interval = Duration.seconds(30)

  private let queues: [any MessageQueue]
  private let clock: WorkerClock
  private let logger: Logger

  package init(queues: [any MessageQueue], clock: WorkerClock = .continuous, logger: Logger) {
    self.queues = queues
    self.clock = clock
    self.logger = logger
  }

  package func run() async throws {
    await withDiscardingTaskGroup { group in
      for queue in queues {
        group.addTask {
          try? await cancelWhenGracefulShutdown { try await measure(queue) }
        }
      }
    }
  }

  /// Measures one queue and its dead-letter queue.
  ///
  /// - Throws: `CancellationError`.
  private func measure(_ queue: any MessageQueue) async throws {
    var logger = logger
    logger[metadataKey: "queue"] = "\(queue.name)"
    var messages = DepthGauges(MetricDescription.queueMessages.label, of: queue.name)
    var deadLetters = DepthGauges(MetricDescription.deadLetters.label, of: queue.name)
    while true {
      await messages.update("the queue's depth", logger) {
        let attributes = try await queue.attributes()
        return [
          "visible": attributes.visibleMessages, "in_flight": attributes.messagesInFlight,
          "delayed": attributes.delayedMessages,
        ]
      }
      await deadLetters.update("the depth of the dead-letter queue", logger) {
        guard let attributes = try await queue.deadLetterQueue()?.attributes() else { return [:] }
        return ["": attributes.visibleMessages + attributes.messagesInFlight + attributes.delayedMessages]
      }
      try Task.checkCancellation()
      try await clock.sleep(for: Self.interval)
    }
  }
}

/// The gauges of one measurement, by state. They exist while the measurement succeeds.
private struct DepthGauges {
  private let label: String
  private let queue: String
  private var gauges: [String: Gauge] = [:]
  private var isFailing = false

  init(_ label: String, of queue: String) {
    self.label = label
    self.queue = queue
  }

  /// Logs the first failure, and the first success after a failure.
  mutating func update(_ what: String, _ logger: Logger, _ read: () async throws -> [String: Int]) async {
    do {
      let values = try await read()
      if isFailing { logger.notice("\(what) can be read again") }
      isFailing = false
      for (state, value) in values {
        let gauge = gauges[state] ?? makeGauge(state)
        gauges[state] = gauge
        gauge.record(value)
      }
      forget { values[$0] == nil }
    } catch  where Task.isCancelled {
    } catch {
      if !isFailing {
        logger.warning(
          "\(what) cannot be read, so its metric is absent; grant the worker sqs:GetQueueAttributes",
          metadata: ["error": "\(QueueError(wrapping: error))"])
      }
      isFailing = true
      forget { _ in true }
    }
  }

  private func makeGauge(_ state: String) -> Gauge {
    let dimensions = [("messaging.destination.name", queue), ("state", state)].filter { !$0.1.isEmpty }
    return Gauge(label: label, dimensions: dimensions)
  }

  private mutating func forget(_ isOld: (String) -> Bool) {
    for (state, gauge) in gauges where isOld(state) {
      gauge.destroy()
      gauges[state] = nil
    }
  }
}
