import Logging
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Settlement and lease", .timeLimit(.minutes(20)))
struct SettlementTests {
  /// A consumer on a queue whose calls wait at gates.
  struct Harness {
    let clock = ManualClock()
    let deadLetters: GatedQueue
    let queue: GatedQueue
    let consumer: QueueConsumer

    init(
      queueName: String = "events", handler: some EventHandler, timeout: Duration = .seconds(20),
      configure: (inout QueueConsumer.Configuration) -> Void = { _ in }
    ) {
      let workerClock = WorkerClock(clock)
      deadLetters = GatedQueue(InMemoryQueue(queueName.replacing("events", with: "events-dlq"), clock: workerClock))
      queue = GatedQueue(
        InMemoryQueue(queueName, redrive: .init(to: deadLetters.queue, maxReceiveCount: 3), clock: workerClock),
        deadLetters: deadLetters)
      var configuration = QueueConsumer.Configuration()
      configuration.settlementWindow = .zero
      configuration.receiveWindow = .zero
      configuration.waitTime = .seconds(20)
      configuration.visibilityTimeout = .seconds(30)
      configuration.receiveGrace = .zero
      configure(&configuration)
      consumer = QueueConsumer(
        queue: queue,
        table: RoutingTable(routes: [
          Route(eventType: "GREETED", handlerName: "h", handler: handler, timeout: timeout)
        ]), configuration: configuration, clock: workerClock, random: { 0.5 }, logger: quietLogger)
    }

    /// Advances the time until a condition holds.
    ///
    /// - Parameter keepsLeases: Whether to wait each time for the leases that are due.
    func passTime(keepsLeases: Bool = true, until isMet: () -> Bool) async throws {
      while !isMet() { try await clock.step(keepsLeases ? consumer : nil) }
    }
  }

  @Test("a message whose deletion waits for the queue has let go of its body as it was read, and knows its route")
  func endedHandling() async throws {
    let handler = Gate()
    let harness = Harness(handler: ClosureHandler { (_: Greeting, _) in try await handler.pass() })
    harness.queue.deletions.close()
    harness.queue.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.consumer.run(on: harness.clock) {
      try await handler.untilArrived()
      let delivery = try #require(harness.consumer.inFlight.deliveries.first)
      weak let routing = delivery.routing
      #expect(routing != nil)
      handler.open()
      try await harness.queue.deletions.untilArrived()
      try await yieldUntil { routing == nil }
      #expect(delivery.route == "GREETED")
      harness.queue.deletions.open()
      try await harness.consumer.outcomeCounts.wait { $0["handled"] == 1 }
    }
  }

  @Test("middleware may end before the handler that it has called, whose failure then counts for nothing")
  func middlewareEndsFirst() async throws {
    struct Impatient: EventMiddleware {
      let failure = AsyncValue<String?>(nil)

      func handle(_ context: HandlerContext, next: @escaping Next) async throws {
        Task {
          do { try await next(context) } catch { failure.update { $0 = "\(error)" } }
        }
      }
    }
    let handler = Gate()
    let middleware = Impatient()
    let harness = Harness(
      handler: ClosureHandler { (_: Greeting, _) in
        try await handler.pass()
        throw EventError(.conflict, "too late")
      }
    ) { $0.middleware = [middleware] }
    harness.queue.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.consumer.run(on: harness.clock) {
      try await harness.consumer.outcomeCounts.wait { $0["handled"] == 1 }
      handler.open()
      try await middleware.failure.wait { $0 != nil }
    }
    #expect(middleware.failure.value?.contains("too late") == true)
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 1])
  }

  @Test("the lease is kept while a dead letter is sent, regardless of the duration, and one dead letter is sent")
  func leaseDuringDeadLetter() async throws {
    let harness = Harness(handler: ClosureHandler { (_: Greeting, _) in throw EventError(.conflict, "no") })
    harness.deadLetters.sends.close()
    harness.queue.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.consumer.run(on: harness.clock) {
      try await harness.deadLetters.sends.untilArrived()
      // One renewal every twenty seconds.
      try await harness.passTime { harness.queue.queue.visibilityChanges.count >= 5 }
      harness.deadLetters.sends.open()
      try await harness.consumer.outcomeCounts.wait { $0["dead-lettered"] == 1 }
    }
    #expect(harness.deadLetters.queue.messages.count == 1)
    #expect(harness.queue.queue.messages.isEmpty)
    #expect(harness.consumer.outcomeCounts.outcomes == ["dead-lettered": 1])
  }

  @Test("the lease is kept during a deletion")
  func leaseDuringDeletion() async throws {
    let harness = Harness(handler: ClosureHandler { (_: Greeting, _) in })
    harness.queue.deletions.close()
    harness.queue.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.consumer.run(on: harness.clock) {
      try await harness.queue.deletions.untilArrived()
      try await harness.passTime { harness.queue.queue.visibilityChanges.count >= 2 }
      harness.queue.deletions.open()
      try await harness.consumer.outcomeCounts.wait { $0["handled"] == 1 }
    }
    #expect(harness.queue.queue.messages.isEmpty)
  }

  @Test("a slot is free once its handler has returned, even during the deletion; the message is still in flight")
  func slotDuringDeletion() async throws {
    let handled = Record<Void>()
    let harness = Harness(handler: ClosureHandler { (_: Greeting, _) in handled.add(()) }) { $0.concurrency = 1 }
    harness.queue.deletions.close()
    for _ in 1...3 { harness.queue.queue.put(OutgoingMessage(body: ConsumerHarness.greeting)) }
    try await harness.consumer.run(on: harness.clock) {
      try await handled.untilCount(3)
      try await yieldUntil { harness.consumer.inFlight.counts == .init(all: 3, settling: 3) }
      #expect(harness.consumer.status.settling == 3)
      #expect(harness.consumer.status.inFlight == 3)
      // Their leases are kept meanwhile.
      try await harness.passTime { harness.queue.queue.visibilityChanges.count >= 3 }
      harness.queue.deletions.open()
      try await harness.consumer.outcomeCounts.wait { $0["handled"] == 3 }
    }
    #expect(harness.queue.queue.messages.isEmpty)
  }

  @Test("the next message of a group starts after its predecessor is deleted, or dead-lettered and deleted")
  func groupWaitsForDeletion() async throws {
    let handled = Record<String>()
    let harness = Harness(
      queueName: "events.fifo",
      handler: ClosureHandler { (event: Greeting, _) in
        handled.add(event.name)
        if event.name == "2" { throw EventError(.conflict, "never") }
      })
    harness.queue.deletions.close()
    harness.deadLetters.sends.close()
    for name in 1...3 {
      let body = #"{"eventType":"GREETED","name":"\#(name)","times":1}"#
      harness.queue.queue.put(body: Array(body.utf8), groupID: "a")
    }
    try await harness.consumer.run(on: harness.clock) {
      try await harness.queue.deletions.untilArrived()
      try await harness.passTime { harness.queue.queue.visibilityChanges.count >= 2 }
      #expect(handled.all == ["1"])
      harness.queue.deletions.open()
      try await harness.deadLetters.sends.untilArrived()
      #expect(handled.all == ["1", "2"])
      harness.deadLetters.sends.open()
      try await harness.consumer.outcomeCounts.wait { $0["handled"] == 2 && $0["dead-lettered"] == 1 }
    }
    #expect(handled.all == ["1", "2", "3"])
    #expect(harness.queue.queue.messages.isEmpty)
  }

  @Test("a message whose predecessor could not be deleted is returned: the predecessor is delivered again first")
  func groupOfUnsettled() async throws {
    let handled = Record<String>()
    let harness = Harness(
      queueName: "events.fifo",
      handler: ClosureHandler { (event: Greeting, context) in handled.add("\(event.name) \(context.receiveCount)") })
    for _ in 1...100 {
      harness.queue.queue.fail(.delete, with: QueueError(code: .connection, kind: .network, message: "down"))
    }
    for name in 1...2 {
      let body = #"{"eventType":"GREETED","name":"\#(name)","times":1}"#
      harness.queue.queue.put(body: Array(body.utf8), groupID: "a")
    }
    try await harness.consumer.run(on: harness.clock) {
      try await harness.passTime(keepsLeases: false) {
        harness.consumer.outcomeCounts.outcomes["unsettled", default: 0] > 0
          && harness.consumer.outcomeCounts.outcomes["released", default: 0] > 0
      }
      #expect(handled.all.allSatisfy { $0.hasPrefix("1 ") })
    }
  }

  @Test("a message that a shutdown returns from a stuck handler stays visible: no renewal follows")
  func releaseAfterRenewal() async throws {
    let handler = Gate()
    let harness = Harness(
      handler: ClosureHandler { (_: Greeting, _) in await handler.passStubbornly() }, timeout: .seconds(3600)
    ) { $0.shutdownDeadline = .seconds(4) }
    harness.queue.changes.close()
    harness.queue.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await harness.consumer.run {
          try await handler.untilArrived()
          // The renewal is in flight, and hangs, when the shutdown starts.
          try await harness.clock.untilSleeping(for: .seconds(20))
          harness.clock.advance(by: .seconds(20))
          try await harness.queue.changes.untilArrived()
        }
      }
      // The deadline, and the grace period after it.
      for wait in [4, 1] {
        try await harness.clock.untilSleeping(for: .seconds(wait))
        harness.clock.advance(by: .seconds(wait))
      }
      try await yieldUntil { harness.consumer.inFlight.deliveries.allSatisfy { $0.state == .settled } }
      harness.queue.changes.open()
      try await harness.consumer.outcomeCounts.wait { $0["released"] == 1 }
      #expect(harness.queue.queue.visibilityChanges.last?.timeout == .zero)
      let again = try await harness.queue.queue.receive(
        maxMessages: 1, waitTime: .zero, visibilityTimeout: .seconds(60))
      #expect(again.count == 1)
      handler.open()
      try await group.waitForAll()
    }
  }

  @Test("an event whose deletion fails until the lease ends is not counted as handled")
  func unsettled() async throws {
    let harness = Harness(handler: ClosureHandler { (_: Greeting, _) in })
    for _ in 1...100 {
      harness.queue.queue.fail(.delete, with: QueueError(code: .connection, kind: .network, message: "down"))
    }
    harness.queue.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.consumer.run(on: harness.clock) {
      try await harness.passTime(keepsLeases: false) {
        harness.consumer.outcomeCounts.outcomes["unsettled", default: 0] > 0
      }
    }
    #expect(harness.consumer.outcomeCounts.outcomes["handled"] == nil)
  }

  @Test("an event that times out during the call of its batch has the outcome of the call")
  func batchOutcome() async throws {
    let gate = Gate()
    let harness = Harness(
      handler: GatedBatchHandler(gate: gate, outcome: EventError(.notFound, "no such thing")), timeout: .seconds(20))
    harness.queue.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.consumer.run(on: harness.clock) {
      try await gate.untilArrived()
      let end = harness.clock.now.advanced(by: .seconds(21))
      try await harness.passTime { harness.clock.now >= end }
      gate.open()
      try await harness.consumer.outcomeCounts.wait { $0["dead-lettered"] == 1 }
    }
    #expect(harness.deadLetters.queue.messages.count == 1)
  }
}

/// Ignores cancellation, like a handler during its commit.
private struct GatedBatchHandler: BatchEventHandler {
  let gate: Gate
  let outcome: any Error

  func handle(_ batch: [EventDelivery<Greeting>]) async throws -> [Result<Void, any Error>] {
    await gate.passStubbornly()
    return batch.map { _ in .failure(outcome) }
  }
}
