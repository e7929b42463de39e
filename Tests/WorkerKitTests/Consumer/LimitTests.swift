import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("A consumer with a limit", .timeLimit(.minutes(20)))
struct LimitTests {
  private struct Harness {
    let clock = ManualClock()
    let queue: InMemoryQueue
    let limit: RateLimit
    let breaker = CircuitBreaker(pluginName: "plant")
    let handled = Record<String>()
    let isDown = AsyncValue(false)
    let consumer: QueueConsumer

    init(_ rate: Rate, burst: Int = 1, deadline: Duration = .seconds(30)) {
      let workerClock = WorkerClock(clock)
      queue = InMemoryQueue(
        "events", redrive: .init(to: InMemoryQueue("events-dlq", clock: workerClock), maxReceiveCount: 3),
        clock: workerClock)
      limit = RateLimit(name: "limit", rate: rate, burst: burst)
      var configuration = QueueConsumer.Configuration()
      configuration.concurrency = 2
      configuration.settlementWindow = .zero
      configuration.receiveWindow = .zero
      configuration.waitTime = .seconds(20)
      configuration.receiveGrace = .zero
      configuration.shutdownDeadline = deadline
      let route = Route(
        eventType: "GREETED", handlerName: "plant.greet",
        boundHandler: BoundHandler(
          ClosureHandler { [handled, isDown] (event: Greeting, _) in
            handled.add(event.name)
            if isDown.value { throw EventError(.unavailable, "down") }
          }),
        errorPolicy: .standard, backoff: Backoff(base: .seconds(2), factor: 1, max: .seconds(2), jitter: .none),
        timeout: .seconds(20), breaker: breaker, limit: limit)
      consumer = QueueConsumer(
        queue: queue, table: RoutingTable(routes: [route]), configuration: configuration, clock: workerClock,
        random: { 0.5 }, logger: quietLogger)
    }

    func put(_ count: Int, from first: Int = 1) {
      for number in first..<first + count {
        queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"\#(number)","times":1}"#))
      }
    }

    func pass(_ seconds: Int) async throws {
      for _ in 0..<seconds { try await clock.step(consumer) }
    }
  }

  @Test("messages start one after another, in the order in which they came")
  func rate() async throws {
    let harness = Harness(Rate(6, per: .seconds(60)))
    try await harness.consumer.run(on: harness.clock) {
      // Each comes to the limit before the next one is sent: two tasks may get there in either order.
      for number in 1...5 {
        harness.put(1, from: number)
        try await yieldUntil { harness.handled.all.count + harness.limit.waiting == number }
      }
      for number in 2...4 {
        try await harness.pass(10)
        // Its task may be slower than the clock, and the next token counts from its start.
        try await harness.handled.untilCount(number)
        #expect(harness.handled.all.count == number)
      }
      try await harness.pass(5)
      #expect(harness.handled.all == ["1", "2", "3", "4"])
      #expect(harness.limit.waiting == 1)
      // A lease lasts for 30 s.
      try await harness.pass(10)
      try await harness.handled.untilCount(5)
    }
    #expect(harness.handled.all == ["1", "2", "3", "4", "5"])
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 5])
    #expect(harness.limit.waiting == 0)
  }

  @Test("an outage costs a message no receive, and the tokens that it took no more than its attempts")
  func outage() async throws {
    let harness = Harness(Rate(60, per: .seconds(60)))
    harness.isDown.update { $0 = true }
    harness.put(4)
    try await harness.consumer.run(on: harness.clock) {
      try await harness.pass(120)
      #expect(harness.breaker.problem != nil)
      let attempts = harness.handled.all.count
      #expect(attempts < 20, "a probe at a time")
      harness.isDown.update { $0 = false }
      while harness.consumer.outcomeCounts.outcomes["handled", default: 0] < 4 { try await harness.pass(1) }
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 4])
    #expect(harness.limit.waiting == 0)
  }

  @Test("a stop gives back at its deadline what still waits, and lets go of the limit")
  func stop() async throws {
    let harness = Harness(Rate(1, per: .seconds(3600)), deadline: .seconds(5))
    harness.put(1)
    try await harness.consumer.run(on: harness.clock) {
      // The others come after it: two tasks may get to the limit in either order.
      try await harness.consumer.outcomeCounts.wait { $0["handled"] == 1 }
      harness.put(2, from: 2)
      try await yieldUntil { harness.limit.waiting == 2 }
      try await harness.pass(5)
      #expect(harness.limit.waiting == 2)
    }
    #expect(harness.handled.all == ["1"])
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 1, "released": 2])
    #expect(harness.limit.waiting == 0)
  }
}
