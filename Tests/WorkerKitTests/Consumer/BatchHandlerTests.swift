import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Handlers of batches", .timeLimit(.minutes(20)))
struct BatchHandlerTests {
  let calls = Record<[String]>()
  let gate = Gate()

  /// The first call waits at the gate, so that the events behind it collect. An event of the user "bad" fails.
  func handler(batchLimit: Int = 100) -> BatchClosureHandler {
    BatchClosureHandler(batchLimit: batchLimit) { [calls, gate] batch in
      calls.add(batch.map(\.event.name))
      try await gate.pass()
      return batch.map { delivery in
        delivery.event.name == "bad" ? .failure(EventError(.conflict, "a bad one")) : .success(())
      }
    }
  }

  func put(_ names: [String], on queue: InMemoryQueue) {
    for name in names {
      queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"\#(name)","times":1}"#))
    }
  }

  @Test("in a batch, a failed event is dead-lettered alone, and an event that cannot be decoded is not handed over")
  func oneFails() async throws {
    // As a route has one for such a handler, but one that can be asked who waits.
    let batcher = EventBatcher<Greeting>(handler())
    let harness = ConsumerHarness(
      handler: ClosureHandler { (event: Greeting, context) in
        try await batcher.handle(EventDelivery(event, context: context))
      })
    try await harness.run {
      put(["first"], on: harness.queue)
      try await gate.untilArrived()
      put(["a", "bad", "b"], on: harness.queue)
      harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"c"}"#))
      // An event that cannot be decoded does not wait for the batch.
      try await harness.untilSettled("dead-lettered")
      try await yieldUntil { batcher.waitingCount == 3 }
      gate.open()
      try await harness.untilSettled("handled", count: 3)
      try await harness.untilSettled("dead-lettered", count: 2)
    }
    #expect(calls.all.map { $0.sorted() } == [["first"], ["a", "b", "bad"]])
    #expect(harness.queue.messages.isEmpty)
    let reasons = try harness.deadLetters.messages.map { message in
      try #require(message.attributes["WorkerFailure"]?.stringValue)
    }
    #expect(reasons.count == 2)
    #expect(reasons.count { $0.contains("a bad one") } == 1)
    #expect(reasons.count { $0.contains("times: expected a value") } == 1)
  }

  @Test("an event that times out while it waits for its batch is retried, and was not handed over")
  func timeout() async throws {
    let stubborn = BatchClosureHandler(batchLimit: 100) { [calls, gate] batch in
      calls.add(batch.map(\.event.name))
      await gate.passStubbornly()
      return batch.map { _ in .success(()) }
    }
    let harness = ConsumerHarness(handler: stubborn, timeout: .seconds(5))
    try await harness.run(opening: gate) {
      put(["first"], on: harness.queue)
      try await gate.untilArrived()
      put(["second"], on: harness.queue)
      try await harness.passTime { harness.consumer.outcomeCounts.outcomes["retried"] == 1 }
      #expect(calls.all == [["first"]])
      // The work done until then counts.
      gate.open()
      try await harness.untilSettled("handled")
      // Its backoff, and no longer: otherwise an event whose handler has just started could time out.
      harness.clock.advance(by: .seconds(2))
      try await harness.untilSettled("handled", count: 2)
    }
    #expect(calls.all == [["first"], ["second"]])
    #expect(harness.queue.messages.isEmpty)
  }
}
