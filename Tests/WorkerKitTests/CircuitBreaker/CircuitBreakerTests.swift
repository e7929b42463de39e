import Logging
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("The circuit breaker", .timeLimit(.minutes(20)))
struct CircuitBreakerTests {
  @Test("while its plugin is down nothing is received, messages in flight wait, and then all are handled")
  func outage() async throws {
    let plant = Plant()
    let harness = BreakerHarness(plant, hasOtherRoute: false)
    for _ in 1...5 { harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting)) }
    plant.isDown.update { $0 = true }
    try await harness.run {
      try await plant.failures.wait { $0 >= 2 }
      // Longer than a lease, and than the receives that the redrive policy allows.
      try await harness.pass(.seconds(150))
      #expect(harness.queue.messages.count == 5)
      #expect(harness.queue.messages.allSatisfy { $0.receiveCount <= 1 }, "no turn is lost")
      #expect(!harness.consumer.isTakingIn)
      plant.isDown.update { $0 = false }
      try await harness.pass(until: "handled", is: 5)
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 5])
    #expect(harness.deadLetters.messages.isEmpty)
  }

  @Test("an outage that the health check does not detect uses up no retry either; one handled event ends it")
  func unseenOutage() async throws {
    let plant = Plant()
    plant.seesOutage.update { $0 = false }
    let harness = BreakerHarness(plant, hasOtherRoute: false)
    try await outageWithoutWord(plant, harness)
    #expect(plant.checks.value > 0)
  }

  @Test(
    "without a check, an outage uses no retry", arguments: [ErrorKind.unavailable, .network, .throttled, .timeout])
  func withoutCheck(kind: ErrorKind) async throws {
    let plant = Plant(kind: kind)
    let harness = BreakerHarness(plant, hasCheck: false, hasOtherRoute: false)
    try await outageWithoutWord(plant, harness)
    #expect(plant.checks.value == 0)
  }

  private func outageWithoutWord(_ plant: Plant, _ harness: BreakerHarness) async throws {
    for _ in 1...5 { harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting)) }
    plant.isDown.update { $0 = true }
    try await harness.run {
      try await harness.pass(.seconds(200))
      try await harness.pass { harness.consumer.status.closedPlugins["plant"]?.contains("the plant is down") == true }
      #expect(harness.queue.messages.allSatisfy { $0.receiveCount <= 1 }, "no turn is lost")
      // One probe at a time, in the end half a minute apart.
      #expect(plant.failures.value < 30)
      plant.isDown.update { $0 = false }
      try await harness.pass(until: "handled", is: 5)
      try await harness.pass { harness.consumer.status.closedPlugins.isEmpty }
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 5])
    #expect(harness.deadLetters.messages.isEmpty)
  }

  @Test("a message with failures like an outage opens nothing while others are handled, and uses up no retry of theirs")
  func poison() async throws {
    let plant = Plant(poison: "Mallory")
    let harness = BreakerHarness(plant, hasCheck: false)
    harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"Mallory","times":1}"#))
    try await harness.run {
      // The others begin after its failure: what began before it says nothing against an outage.
      try await yieldUntil { harness.consumer.inFlight.counts.parked == 1 }
      for _ in 1...5 { harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting)) }
      // No time passes: that others are handled decides.
      try await harness.consumer.outcomeCounts.wait { $0["handled"] == 5 && $0["retried"] == 1 }
      #expect(harness.consumer.status.closedPlugins.isEmpty)
    }
    #expect(harness.consumer.outcomeCounts.outcomes["handled"] == 5)
  }

  @Test("a message that fails alone while its plugin is healthy opens nothing either")
  func lonelyPoison() async throws {
    let plant = Plant(poison: "Mallory")
    let harness = BreakerHarness(plant)
    harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"Mallory","times":1}"#))
    try await harness.run {
      for retries in 1...2 { try await harness.pass(until: "retried", is: retries) }
      try await harness.pass(until: "dead-lettered", is: 1)
    }
    #expect(plant.checks.value >= 3, "asked after each failure")
    #expect(harness.consumer.status.closedPlugins.isEmpty)
  }

  @Test("poison messages that opened it do not keep it open: events that have not failed yet are probed first")
  func poisonFirst() async throws {
    let plant = Plant(poison: "Mallory")
    let harness = BreakerHarness(plant, hasCheck: false, hasOtherRoute: false)
    for _ in 1...3 { harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"Mallory","times":1}"#)) }
    try await harness.run {
      try await harness.pass { !harness.consumer.status.closedPlugins.isEmpty }
      for _ in 1...5 { harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting)) }
      try await harness.pass(until: "handled", is: 5)
    }
    #expect(harness.consumer.outcomeCounts.outcomes["handled"] == 5)
  }

  @Test("the routes of other plugins continue")
  func others() async throws {
    let plant = Plant()
    let harness = BreakerHarness(plant)
    plant.isDown.update { $0 = true }
    for _ in 1...4 { harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting)) }
    for _ in 1...7 { harness.queue.put(OutgoingMessage(body: #"{"eventType":"PARTED","name":"Ada","times":1}"#)) }
    try await harness.run {
      try await harness.consumer.outcomeCounts.wait { $0["handled", default: 0] == 7 }
      #expect(harness.queue.messages.count == 4)
      plant.isDown.update { $0 = false }
      try await harness.pass(until: "handled", is: 11)
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 11])
  }

  @Test("concurrent failures cause one check; one that ignores its cancellation delays nothing and is not restarted")
  func stubbornCheck() async throws {
    let gate = Gate()
    let begun = Record<Void>()
    let clock = ManualClock()
    let workerClock = WorkerClock(clock)
    let breaker = CircuitBreaker(pluginName: "plant") {
      begun.add(())
      await gate.passStubbornly()
    }
    let failure = HandlingFailure(
      kind: .unavailable, message: "the plant is down", settlement: .retry(after: .seconds(1)))
    let watcher = Task { await breaker.watch(clock: workerClock, logger: quietLogger) {} }
    defer {
      watcher.cancel()
      gate.open()
    }
    for number in 1...20 {
      guard
        case .undecided = breaker.record(.failed(failure, messageID: "\(number)"), of: .ordinary(streak: 0), at: .zero)
      else { return #expect(Bool(false), "an outage is not decided yet") }
    }
    async let verdict = breaker.untilDecided()
    try await begun.untilCount(1)
    try await clock.untilSleeping(for: .seconds(10))
    clock.advance(by: .seconds(10))
    guard case .again = try await verdict else { return #expect(Bool(false), "it counts as down") }
    #expect(breaker.problem == "its check took longer than 10 s")
    for _ in 1...3 { try await clock.advanceToNextSleeper() }
    #expect(begun.all.count == 1)
  }

  @Test("a shutdown makes parked messages visible again at once")
  func shutdown() async throws {
    let plant = Plant()
    let harness = BreakerHarness(plant)
    plant.isDown.update { $0 = true }
    harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting))
    try await harness.consumer.run {
      try await plant.failures.wait { $0 == 1 }
      try await yieldUntil { harness.consumer.inFlight.counts.parked == 1 }
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["released": 1])
    let again = try await harness.queue.receive(maxMessages: 1, waitTime: .zero, visibilityTimeout: .seconds(1))
    #expect(again.count == 1)
  }
}
