import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Messages that fail as an outage would have it", .timeLimit(.minutes(20)))
struct PoisonTests {
  @Test("a poison message that opens it again and again is dead-lettered, as long as others are handled")
  func poisonOnAQuietQueue() async throws {
    let plant = Plant(poison: "Mallory")
    let harness = BreakerHarness(plant, hasCheck: false, hasOtherRoute: false)
    harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting("Mallory")))
    try await harness.run {
      var good = 0
      while harness.consumer.outcomeCounts.outcomes["dead-lettered", default: 0] == 0 {
        try await harness.pass(.seconds(30))
        good += 1
        try #require(good < 20, "the poison message is never dead-lettered")
        harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting))
        try await harness.pass(until: "handled", is: good)
      }
    }
    #expect(harness.deadLetters.messages.count == 1)
  }

  @Test("several poison messages are, too, and what an outage fails between them loses no retry")
  func severalPoisonMessages() async throws {
    let plant = Plant(poison: "Mallory", "Trudy")
    let harness = BreakerHarness(plant, hasCheck: false, hasOtherRoute: false)
    for name in ["Mallory", "Trudy"] { harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting(name))) }
    try await harness.run {
      var good = 0
      while harness.consumer.outcomeCounts.outcomes["dead-lettered", default: 0] < 2 {
        try await harness.pass(.seconds(30))
        good += 1
        try #require(good < 20, "the poison messages are never dead-lettered")
        // A real outage in their midst.
        if good == 2 { plant.isDown.update { $0 = true } }
        harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting))
        if good == 2 {
          try await harness.pass(.seconds(120))
          plant.isDown.update { $0 = false }
        }
        try await harness.pass(until: "handled", is: good)
      }
      #expect(harness.consumer.outcomeCounts.outcomes["handled"] == good)
    }
    #expect(harness.deadLetters.messages.count == 2)
  }

  @Test("one event that is handled costs a message that fails before and after it one retry, however long that goes on")
  func outageAfterAnother() async throws {
    let plant = Plant(poison: "Mallory")
    let harness = BreakerHarness(plant, hasCheck: false, hasOtherRoute: false)
    harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting("Mallory")))
    try await harness.run {
      try await harness.pass { !harness.consumer.status.closedPlugins.isEmpty }
      harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting))
      try await harness.pass(until: "handled", is: 1)
      try await harness.pass(.seconds(1_800))
      #expect(harness.queue.messages.map(\.receiveCount) == [2])
    }
    #expect(harness.deadLetters.messages.isEmpty)
  }
}
