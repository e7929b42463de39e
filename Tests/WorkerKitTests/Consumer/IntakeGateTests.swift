import Logging
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("The intake gate", .timeLimit(.minutes(1)))
struct IntakeGateTests {
  @Test("while its plugin is down nothing is received, what is in hand keeps its turn, and then all is handled")
  func outage() async throws {
    let plant = Plant()
    let harness = GateHarness(plant, hasOtherRoute: false)
    for _ in 1...5 { harness.queue.put(OutgoingMessage(body: GateHarness.greeting)) }
    plant.isDown.update { $0 = true }
    try await harness.run {
      // Two slots: two messages fail and are parked; their leases are kept, and the plugin is asked again.
      let sleepers = 2
      try await plant.failures.wait { $0 == 2 }
      // Longer than a lease, and than the receives that the redrive policy allows.
      for seconds in [1, 2, 4, 8, 16, 30, 30] {
        try await harness.pass(.seconds(seconds), among: sleepers)
      }
      try await harness.clock.untilSleeping(for: .seconds(30))
      #expect(harness.queue.messages.count == 5)
      #expect(harness.queue.messages.allSatisfy { $0.receiveCount <= 1 }, "no turn is lost")
      #expect(harness.queue.messages.count { $0.receiveCount == 1 } == 2, "the others were not even received")
      plant.isDown.update { $0 = false }
      try await harness.pass(.seconds(30), among: sleepers)
      try await harness.consumer.tally.wait { $0["handled", default: 0] == 5 }
    }
    #expect(harness.consumer.tally.outcomes == ["handled": 5])
    #expect(harness.deadLetters.messages.isEmpty)
  }

  @Test("a message that fails as if the database were gone closes nothing while the database is there")
  func poison() async throws {
    let plant = Plant(poison: "Mallory")
    let harness = GateHarness(plant)
    harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"Mallory","times":1}"#))
    for _ in 1...5 { harness.queue.put(OutgoingMessage(body: GateHarness.greeting)) }
    try await harness.run {
      try await harness.consumer.tally.wait { $0["handled", default: 0] == 5 }
      for retries in 1...3 {
        try await harness.consumer.tally.wait { $0["retried", default: 0] == retries }
        // The receive waits for what comes back next.
        try await harness.clock.untilSleeping(for: .seconds(2))
        harness.clock.advance(by: .seconds(2))
      }
    }
    #expect(plant.checks.value == 3, "asked after each failure")
    #expect(harness.consumer.tally.outcomes == ["handled": 5, "retried": 3])
    #expect(harness.deadLetters.messages.count <= 1)
  }

  @Test("the routes of other plugins go on")
  func others() async throws {
    let plant = Plant()
    let harness = GateHarness(plant)
    plant.isDown.update { $0 = true }
    for _ in 1...4 { harness.queue.put(OutgoingMessage(body: GateHarness.greeting)) }
    for _ in 1...7 { harness.queue.put(OutgoingMessage(body: #"{"eventType":"PARTED","name":"Ada","times":1}"#)) }
    try await harness.run {
      try await harness.consumer.tally.wait { $0["handled", default: 0] == 7 }
      #expect(harness.queue.messages.count == 4)
      plant.isDown.update { $0 = false }
      // Leases are kept, a receive waits, and the plugin is asked again.
      try await harness.clock.advanceToNextSleeper(among: 3)
      try await harness.consumer.tally.wait { $0["handled", default: 0] == 11 }
    }
    #expect(harness.consumer.tally.outcomes == ["handled": 11])
  }

  @Test("a receive that lets what is parked go first does not wait for it where the gate has closed again")
  func closesAgain() async throws {
    let clock = ManualClock()
    let workerClock = WorkerClock(clock)
    let inFlight = InFlight(capacity: 1, deadlines: Deadlines(clock: workerClock))
    let gate = IntakeGate(pluginName: "plant") { throw EventError(.unavailable, "the plant is down") }
    let failure = Failure(kind: .unavailable, message: "the plant is down", settlement: .leave)
    #expect(await gate.closes(after: failure, clock: workerClock, logger: quietLogger))
    let delivery = Delivery(
      message: ReceivedMessage(id: "m", receiptHandle: "h", body: []), receivedAt: .zero,
      visibilityTimeout: .seconds(40))
    let slots = try await inFlight.reserveSlots(1, patience: .zero)
    #expect(slots.map { inFlight.fill([delivery], of: $0) } == 1)
    // How often it was asked whether the gate is open, which it was the first time.
    let looks = Record<Void>()
    let parked = Task {
      let canGoOn: @Sendable () -> Bool = {
        looks.add(())
        return looks.all.count == 1
      }
      try await inFlight.parking(delivery, until: canGoOn) {
        try await gate.untilOpen(clock: workerClock, logger: quietLogger) { inFlight.lookAgain() }
      }
    }
    defer { parked.cancel() }
    try await clock.untilSleeping(for: .seconds(1))
    async let next = inFlight.reserveSlots(1, patience: .zero)
    try await looks.untilCount(1)
    clock.advance(by: .seconds(1))
    let reserved = try await next
    #expect(reserved == 1)
  }

  @Test("a shutdown gives back at once what is parked")
  func shutdown() async throws {
    let plant = Plant()
    let harness = GateHarness(plant)
    plant.isDown.update { $0 = true }
    harness.queue.put(OutgoingMessage(body: GateHarness.greeting))
    try await harness.run {
      try await plant.failures.wait { $0 == 1 }
      try await harness.clock.untilSleeping(for: .seconds(1))
    }
    #expect(harness.consumer.tally.outcomes == ["released": 1])
    let again = try await harness.queue.receive(maxMessages: 1, waitTime: .zero, visibilityTimeout: .seconds(1))
    #expect(again.count == 1)
  }
}

/// What a plugin depends on.
private final class Plant: Sendable {
  let isDown = Watched(false)
  let failures = Watched(0)
  let checks = Watched(0)
  let poison: String?

  init(poison: String? = nil) { self.poison = poison }

  func work(_ name: String) throws {
    guard !isDown.value, name != poison else {
      failures.update { $0 += 1 }
      throw EventError(.unavailable, "the plant is down")
    }
  }

  func check() throws {
    checks.update { $0 += 1 }
    if isDown.value { throw EventError(.unavailable, "the plant is down") }
  }
}

/// A consumer with two slots, a route whose plugin has a gate, and one without.
private struct GateHarness {
  static let greeting = #"{"eventType":"GREETED","name":"Ada","times":1}"#

  let clock = ManualClock()
  let queue: InMemoryQueue
  let deadLetters: InMemoryQueue
  let consumer: QueueConsumer

  init(_ plant: Plant, hasOtherRoute: Bool = true) {
    let workerClock = WorkerClock(clock)
    deadLetters = InMemoryQueue("events-dlq", clock: workerClock)
    queue = InMemoryQueue("events", redrive: .init(to: deadLetters, maxReceiveCount: 3), clock: workerClock)
    var configuration = QueueConsumer.Configuration()
    configuration.concurrency = 2
    configuration.settlementWindow = .zero
    configuration.waitTime = .seconds(20)
    configuration.receiveGrace = .zero
    let backoff = Backoff(base: .seconds(2), factor: 1, max: .seconds(2), jitter: .none)
    let gated = Route(
      eventType: "GREETED", handlerName: "plant.greet",
      boundHandler: BoundHandler(ClosureHandler { (event: Greeting, _) in try plant.work(event.name) }),
      errorPolicy: .standard, backoff: backoff, timeout: .seconds(20),
      gate: IntakeGate(pluginName: "plant") { try plant.check() })
    let other = Route(
      eventType: "PARTED", handlerName: "other.part", handler: ClosureHandler { (_: Greeting, _) in }, backoff: backoff)
    consumer = QueueConsumer(
      queue: queue, table: RoutingTable(routes: hasOtherRoute ? [gated, other] : [gated]), configuration: configuration,
      clock: workerClock,
      random: { 0.5 }, logger: quietLogger)
  }

  func run(_ body: () async throws -> Void) async throws {
    try await consumer.run(while: body)
  }

  /// Lets time pass until the plugin is asked again.
  ///
  /// - Parameters:
  ///   - duration: How long that takes.
  ///   - sleepers: How many wait meanwhile, one of them to ask.
  func pass(_ duration: Duration, among sleepers: Int) async throws {
    try await clock.untilSleeping(for: duration)
    let end = clock.now.advanced(by: duration)
    while clock.now < end {
      try await clock.advanceToNextSleeper(among: sleepers)
      try await consumer.untilLeasesAreRenewed()
    }
  }
}
