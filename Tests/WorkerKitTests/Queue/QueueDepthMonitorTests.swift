import InMemoryLogging
import Logging
import Metrics
import MetricsTestKit
import ServiceLifecycle
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Queue depths")
struct QueueDepthMonitorTests {
  /// A queue whose attributes can be made to fail.
  struct Refusing: MessageQueue {
    let base: InMemoryQueue
    let isRefusing = AsyncValue(false)

    var name: String { base.name }

    func attributes() async throws -> QueueAttributes {
      if isRefusing.value { throw QueueError(code: .init(rawValue: "AccessDenied"), kind: .unavailable, message: "no") }
      return try await base.attributes()
    }

    func receive(
      maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration
    ) async throws -> [ReceivedMessage] {
      try await base.receive(maxMessages: maxMessages, waitTime: waitTime, visibilityTimeout: visibilityTimeout)
    }
    func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>] {
      try await base.delete(receiptHandles)
    }
    func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>] {
      try await base.changeVisibility(changes)
    }
    func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>] {
      try await base.send(messages)
    }
    func deadLetterQueue() async throws -> (any MessageQueue)? { try await base.deadLetterQueue() }
  }

  let clock = ManualClock()
  let metrics = TestMetrics()
  let logs = InMemoryLogHandler()

  func depth(_ label: String, _ state: String? = nil) throws -> Double? {
    let dimensions = [("messaging.destination.name", "events")] + (state.map { [("state", $0)] } ?? [])
    return try metrics.expectGauge(label, dimensions).lastValue
  }

  @Test("a queue and its dead-letter queue are measured every 30 seconds, until a stop")
  func measures() async throws {
    let workerClock = WorkerClock(clock)
    let deadLetters = InMemoryQueue("events-dlq", clock: workerClock)
    let base = InMemoryQueue("events", redrive: .init(to: deadLetters, maxReceiveCount: 3), clock: workerClock)
    base.put(body: Array("a".utf8))
    deadLetters.put(body: Array("b".utf8))
    deadLetters.put(body: Array("c".utf8))
    let queue = Refusing(base: base)
    let monitor = QueueDepthMonitor(
      queues: [queue], clock: workerClock, logger: Logger(label: "test", factory: { [logs] _ in logs }))
    try await withMetricsFactory(metrics) {
      let group = ServiceGroup(configuration: .init(services: [.init(service: monitor)], logger: quietLogger))
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        try await clock.untilSleeping(for: QueueDepthMonitor.interval)
        #expect(try depth("worker.queue.messages", "visible") == 1)
        #expect(try depth("worker.queue.messages", "in_flight") == 0)
        #expect(try depth("worker.queue.messages", "delayed") == 0)
        #expect(try depth("worker.dead_letters") == 2)

        // A failed measurement has no values, which is logged once.
        queue.isRefusing.update { $0 = true }
        for _ in 0..<2 {
          clock.advance(by: QueueDepthMonitor.interval)
          try await clock.untilSleeping(for: QueueDepthMonitor.interval)
        }
        #expect(throws: (any Error).self) { try depth("worker.queue.messages", "visible") }
        #expect(try depth("worker.dead_letters") == 2)
        #expect(logs.entries.map(\.level) == [.warning])

        queue.isRefusing.update { $0 = false }
        base.put(body: Array("d".utf8))
        clock.advance(by: QueueDepthMonitor.interval)
        try await clock.untilSleeping(for: QueueDepthMonitor.interval)
        #expect(try depth("worker.queue.messages", "visible") == 2)
        #expect(logs.entries.map(\.level) == [.warning, .notice])
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
      }
    }
  }
}
