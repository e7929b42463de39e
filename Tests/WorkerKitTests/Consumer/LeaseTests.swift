import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Leases", .timeLimit(.minutes(1)))
struct LeaseTests {
  @Test(
    "a lease is renewed with half of it left, ten seconds at most",
    arguments: [(2.0, 1.0), (10, 5), (20, 10), (30, 20), (300, 290)])
  func renewalRule(left: Double, wait: Double) {
    #expect(Lease.wait(left: .seconds(left)) == .seconds(wait))
  }

  @Test("what is asked for never passes SQS's twelve hours")
  func twelveHours() {
    #expect(Lease.extension(.seconds(30), heldFor: .seconds(100)) == .seconds(30))
    #expect(Lease.extension(.seconds(30), heldFor: .seconds(43_180)) == .seconds(15))
    #expect(Lease.extension(.seconds(30), heldFor: .seconds(43_180.5)) == .seconds(14))
    #expect(Lease.extension(.seconds(30), heldFor: .seconds(43_199)) == .zero)
    #expect(Lease.extension(.seconds(30), heldFor: .seconds(90_000)) == .zero)
  }

  @Test("a handler that outlasts its visibility timeout keeps its message")
  func renewed() async throws {
    let gate = Gate()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in try await gate.pass() }, timeout: .seconds(3600),
      configure: { $0.visibilityTimeout = .seconds(40) })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      try await gate.untilArrived()
      for count in 1...5 {
        try await harness.passTime { harness.queue.visibilityChanges.count == count }
      }
      gate.open()
      try await harness.untilSettled("handled")
    }
    #expect(harness.queue.visibilityChanges.allSatisfy { $0.timeout == .seconds(40) })
    #expect(harness.consumer.tally.outcomes == ["handled": 1])
  }

  @Test("a lost lease cancels the handler, and nothing is settled")
  func lost() async throws {
    let gate = Gate()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in try await gate.pass() }, timeout: .seconds(3600),
      configure: { $0.visibilityTimeout = .seconds(40) })
    harness.queue.fail(
      .changeVisibility,
      with: QueueError(code: .init(rawValue: "ReceiptHandleIsInvalid"), kind: .badRequest, message: "gone"))
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      try await gate.untilArrived()
      try await harness.clock.untilSleeping(for: .seconds(30))
      harness.clock.advance(by: .seconds(30))
      try await harness.untilSettled("lost")
    }
    #expect(harness.queue.messages.count == 1)
    #expect(harness.consumer.tally.outcomes == ["lost": 1])
  }

  @Test("a renewal that fails is tried again before the lease ends")
  func renewalFails() async throws {
    let gate = Gate()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in try await gate.pass() }, timeout: .seconds(3600),
      configure: { $0.visibilityTimeout = .seconds(40) })
    harness.queue.fail(.changeVisibility, with: QueueError(code: .connection, kind: .network, message: "down"))
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      try await gate.untilArrived()
      try await harness.clock.untilSleeping(for: .seconds(30))
      harness.clock.advance(by: .seconds(30))
      try await harness.clock.untilSleeping(for: .seconds(5))
      harness.clock.advance(by: .seconds(5))
      try await yieldUntil { !harness.queue.visibilityChanges.isEmpty }
      gate.open()
      try await harness.untilSettled("handled")
    }
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a lease whose renewal hangs is lost when it ends, not when the renewal does")
  func renewalHangs() async throws {
    let clock = ManualClock()
    let renewal = Gate()
    let handler = Gate()
    let deadlines = Deadlines(clock: WorkerClock(clock))
    let lease = Lease(visibilityTimeout: .seconds(40), clock: WorkerClock(clock), deadlines: deadlines) { _, _ in
      await renewal.passStubbornly()
      return .success(())
    }
    let delivery = Delivery(
      message: ReceivedMessage(id: "m", receiptHandle: "h", body: []), receivedAt: .zero,
      visibilityTimeout: .seconds(40))
    let result = Watched<Bool??>(nil)
    delivery.handle {
      let held = await lease.holding(delivery) { () -> Bool in
        try? await handler.pass()
        return Task.isCancelled
      }
      result.update { $0 = .some(held) }
    }
    await deadlines.watching {
      try? await clock.untilSleeping(for: .seconds(30))
      clock.advance(by: .seconds(30))
      try? await renewal.untilArrived()
      try? await clock.untilSleeping(for: .seconds(10))
      clock.advance(by: .seconds(10))
      try? await yieldUntil { delivery.state == .lost }
      renewal.open()
      try? await result.wait { $0 != .none }
    }
    #expect(result.value == .some(nil))
  }

  @Test("a lease that cannot be renewed in time is lost, though nobody said so")
  func expires() async throws {
    let gate = Gate()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in try await gate.pass() }, timeout: .seconds(3600),
      configure: { $0.visibilityTimeout = .seconds(40) })
    for _ in 1...20 {
      harness.queue.fail(.changeVisibility, with: QueueError(code: .connection, kind: .network, message: "down"))
    }
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      try await gate.untilArrived()
      try await harness.clock.untilSleeping(for: .seconds(30))
      harness.clock.advance(by: .seconds(41))
      try await harness.untilSettled("lost")
      // By now the message is visible again, and comes a second time.
      gate.open()
      try await harness.untilSettled("handled")
    }
    #expect(harness.consumer.tally.outcomes == ["lost": 1, "handled": 1])
  }
}
