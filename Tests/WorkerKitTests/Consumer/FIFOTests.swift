import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("FIFO queues", .timeLimit(.minutes(1)))
struct FIFOTests {
  func event(_ name: String) -> [UInt8] {
    Array(#"{"eventType":"GREETED","name":"\#(name)","times":1}"#.utf8)
  }

  @Test("a group's messages are handled one after another, in order, and groups side by side")
  func order() async throws {
    let gate = Gate()
    let handled = Record<String>()
    let harness = ConsumerHarness(
      queueName: "events.fifo",
      handler: ClosureHandler { (event: Greeting, _) in
        if event.name == "a1" { try await gate.pass() }
        handled.add(event.name)
      },
      configure: { $0.maxMessages = 10 })
    for name in ["a1", "a2", "a3", "b1", "b2"] {
      harness.queue.put(body: event(name), groupID: String(name.prefix(1)))
    }
    try await harness.run {
      try await gate.untilArrived()
      try await handled.untilCount(2)
      #expect(handled.all == ["b1", "b2"])
      gate.open()
      try await handled.untilCount(5)
    }
    #expect(handled.all == ["b1", "b2", "a1", "a2", "a3"])
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a message that must come again holds back those after it; one that is dead-lettered does not")
  func failure() async throws {
    let handled = Record<String>()
    let harness = ConsumerHarness(
      queueName: "events.fifo",
      handler: ClosureHandler { (event: Greeting, context) in
        handled.add(event.name)
        if event.name == "a1", context.receiveCount == 1 { throw EventError(.unavailable, "not yet") }
        if event.name == "b1" { throw EventError(.conflict, "never") }
      },
      configure: { $0.maxMessages = 10 })
    for name in ["a1", "a2", "b1", "b2"] {
      harness.queue.put(body: event(name), groupID: String(name.prefix(1)))
    }
    try await harness.run {
      try await harness.untilSettled("retried")
      harness.clock.advance(by: .seconds(2))
      try await harness.untilSettled("handled", count: 3)
    }
    let all = handled.all
    #expect(all.filter { $0.hasPrefix("a") } == ["a1", "a1", "a2"])
    #expect(all.filter { $0.hasPrefix("b") } == ["b1", "b2"])
    #expect(harness.deadLetters.messages.map(\.groupID) == ["b"])
    // What waited behind a1 was not received in vain.
    #expect(harness.consumer.tally.outcomes == ["handled": 3, "retried": 1, "dead-lettered": 1])
  }
}
