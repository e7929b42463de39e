import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Liveness", .timeLimit(.minutes(20)))
struct LivenessTests {
  @Test("a worker whose only slot is busy for ten minutes is live, and reports what it waits for")
  func busy() async throws {
    let gate = Gate()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in try await gate.pass() }, timeout: .seconds(3600),
      configure: { $0.concurrency = 1 })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      try await gate.untilArrived()
      let end = harness.clock.now.advanced(by: .seconds(600))
      while harness.clock.now < end {
        #expect(await harness.consumer.findHang() == nil)
        try await harness.clock.step(harness.consumer)
      }
      #expect(harness.consumer.status.activity == .waitingForSlots)
      gate.open()
      try await harness.untilSettled("handled")
      try await yieldUntil { harness.consumer.status.activity == .receiving }
      #expect(await harness.consumer.findHang() == nil)
    }
    #expect(await harness.consumer.findHang() == nil)
  }

  @Test("a worker whose messages all wait for a plugin is live")
  func parked() async throws {
    let clock = ManualClock()
    let workerClock = WorkerClock(clock)
    let queue = InMemoryQueue("events", clock: workerClock)
    var configuration = QueueConsumer.Configuration()
    configuration.concurrency = 1
    configuration.settlementWindow = .zero
    configuration.receiveWindow = .zero
    configuration.receiveGrace = .zero
    let down = EventError(.unavailable, "down")
    let route = Route(
      eventType: "GREETED", handlerName: "plant.greet",
      boundHandler: BoundHandler(ClosureHandler { (_: Greeting, _) in throw down }), errorPolicy: .standard,
      backoff: .standard, timeout: .seconds(20), breaker: CircuitBreaker(pluginName: "plant") { throw down })
    let consumer = QueueConsumer(
      queue: queue, table: RoutingTable(routes: [route]), configuration: configuration, clock: workerClock,
      logger: quietLogger)
    queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await consumer.run(on: clock) {
      while consumer.status.activity != .waitingForPlugins { try await clock.step(consumer) }
      for _ in 1...20 {
        #expect(await consumer.findHang() == nil)
        try await clock.step(consumer)
      }
      // The clock may have overtaken the last check, whose problem then is that it took too long. The next one says this.
      while consumer.status.closedPlugins != ["plant": "unavailable: down"] { try await clock.step(consumer) }
    }
  }

  @Test("a late failure of one receive does not hide the success of others")
  func lateFailure() async throws {
    let progress = ConsumerProgress(clock: WorkerClock(ManualClock()))
    let (first, second) = (progress.beginReceive(), progress.beginReceive())
    progress.endReceive(first)
    _ = progress.recordFailure(QueueError(code: .connection, kind: .network, message: "down"), quietLogger)
    #expect(progress.snapshot().failure == "ConnectionError: down")
    progress.endReceive(second)
    progress.recordReceive(quietLogger)
    #expect(progress.snapshot().failure == nil)
  }

  @Test("a receive hangs if it runs for longer than a call can take")
  func hangingReceive() async throws {
    let harness = ConsumerHarness(handler: ClosureHandler { (_: Greeting, _) in })
    let queue = AnsweredQueue()
    let clock = ManualClock()
    var configuration = QueueConsumer.Configuration()
    configuration.waitTime = .seconds(20)
    configuration.receiveGrace = .zero
    let consumer = QueueConsumer(
      queue: queue, table: harness.consumer.table, configuration: configuration, clock: WorkerClock(clock),
      logger: quietLogger)
    try await consumer.run(on: clock) {
      try await queue.untilAsked(1)
      clock.advance(by: .seconds(140))
      #expect(await consumer.findHang() == nil)
      clock.advance(by: .seconds(1))
      #expect(await consumer.findHang() == "a receive has been under way for 141 s")
    }
  }
}
