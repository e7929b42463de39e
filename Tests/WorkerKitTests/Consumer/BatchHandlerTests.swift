import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Handlers of batches", .timeLimit(.minutes(1)))
struct BatchHandlerTests {
  let calls = Record<[String]>()
  let gate = Gate()

  /// Its first call waits at the gate, so that the events behind it gather; an event of somebody "bad" fails.
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

  @Test("of a batch, one that fails is dead-lettered alone, and one that cannot be decoded is not handed over")
  func oneFails() async throws {
    let harness = ConsumerHarness(handler: handler())
    try await harness.run {
      put(["first"], on: harness.queue)
      try await gate.untilArrived()
      put(["a", "bad", "b"], on: harness.queue)
      harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"c"}"#))
      // What cannot be decoded does not wait for the batch.
      try await harness.untilSettled("dead-lettered")
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

  @Test("an event whose time is over while it waits for its turn is tried again, and was not handed over")
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
      try await harness.passTime { harness.consumer.tally.outcomes["retried"] == 1 }
      #expect(calls.all == [["first"]])
      // What has been done by then stands.
      gate.open()
      try await harness.untilSettled("handled")
      try await harness.passTime { calls.all.count == 2 }
      // Time stands still: it could run out for an event whose handler has just begun.
      try await harness.untilSettled("handled", count: 2)
    }
    #expect(calls.all == [["first"], ["second"]])
    #expect(harness.queue.messages.isEmpty)
  }
}
