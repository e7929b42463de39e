import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Leases", .timeLimit(.minutes(20)))
struct LeaseTests {
  @Test(
    "a lease is renewed when half of it remains, at most ten seconds",
    arguments: [(2.0, 1.0), (10, 5), (20, 10), (30, 20), (300, 290)])
  func renewalRule(left: Double, wait: Double) {
    #expect(Lease.wait(left: .seconds(left)) == .seconds(wait))
  }

  @Test("the requested visibility never exceeds SQS's twelve hours")
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
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 1])
  }

  @Test("a prefetched message keeps its lease while it waits for a slot, and is not handled if the lease is lost")
  func ahead() async throws {
    let gate = Gate()
    let handled = Record<String>()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (event: Greeting, context) in
        handled.add("\(event.name) \(context.receiveCount)")
        if event.name == "slow" { try await gate.pass() }
      }, timeout: .seconds(3600),
      configure: {
        $0.concurrency = 1
        $0.maxMessages = 1
        $0.visibilityTimeout = .seconds(40)
      })
    // The clock does not advance, so handlers take no time, and two messages are prefetched.
    for _ in 1...3 { harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting)) }
    try await harness.run {
      try await harness.untilSettled("handled", count: 3)
      for name in ["slow", "a"] {
        harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"\#(name)","times":1}"#))
      }
      try await yieldUntil { harness.consumer.inFlight.counts == .init(all: 2, handled: 1, ahead: 1) }
      try await harness.passTime { harness.queue.visibilityChanges.count >= 4 }
      #expect(harness.queue.messages.map(\.receiveCount) == [1, 1])
      // Another consumer has received it.
      let ahead = try #require(harness.queue.messages.last)
      _ = try await harness.queue.changeVisibility([.init(receiptHandle: ahead.receiptHandle, timeout: .zero)])
      let others = try await harness.queue.receive(maxMessages: 1, waitTime: .zero, visibilityTimeout: .seconds(3600))
      #expect(others.map(\.receiveCount) == [2])
      let consumer = harness.consumer
      while !consumer.inFlight.deliveries.contains(where: { $0.message.id == ahead.id && $0.state == .lost }) {
        // The other one's is kept.
        try await yieldUntil {
          consumer.inFlight.deliveries.allSatisfy {
            $0.message.id == ahead.id || $0.leaseEnd > consumer.clock.now + .seconds(10)
          }
        }
        try await harness.clock.step(nil)
      }
      gate.open()
      try await harness.untilSettled("lost")
      try await harness.untilSettled("handled", count: 4)
    }
    #expect(handled.all == ["Ada 1", "Ada 1", "Ada 1", "slow 1"])
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
    #expect(harness.consumer.outcomeCounts.outcomes == ["lost": 1])
  }

  @Test("a failed renewal is retried before the lease ends")
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

  @Test("a delivery that is cancelled before its task has a thread may not begin, though its task is not kept yet")
  func cancelledBeforeItBegins() async {
    func delivery() -> Delivery {
      Delivery(
        message: ReceivedMessage(id: "m", receiptHandle: "h", body: []), receivedAt: .zero,
        visibilityTimeout: .seconds(30))
    }
    let (cancelled, other) = (delivery(), delivery())
    cancelled.cancel()
    #expect(!cancelled.begin())
    #expect(other.begin())
    other.cancel()
    let wasCancelled = AsyncValue<Bool?>(nil)
    let gate = Gate()
    other.keep(
      Task {
        try? await gate.pass()
        wasCancelled.update { $0 = Task.isCancelled }
      })
    try? await wasCancelled.wait { $0 != nil }
    #expect(wasCancelled.value == true)
  }

  @Test("a lease whose renewal hangs is lost when the lease ends, before the renewal does")
  func renewalHangs() async throws {
    let clock = ManualClock()
    let renewal = Gate()
    let handler = Gate()
    let deadlines = TimerQueue(clock: WorkerClock(clock))
    let lease = Lease(visibilityTimeout: .seconds(40), clock: WorkerClock(clock), deadlines: deadlines) {
      _, _, completion in
      Task {
        await renewal.passStubbornly()
        completion(.success(()))
      }
    }
    let delivery = Delivery(
      message: ReceivedMessage(id: "m", receiptHandle: "h", body: []), receivedAt: .zero,
      visibilityTimeout: .seconds(40))
    let isCancelled = AsyncValue<Bool?>(nil)
    lease.keep(delivery)
    delivery.keep(
      Task {
        try? await handler.pass()
        isCancelled.update { $0 = Task.isCancelled }
      })
    await deadlines.watching {
      try? await clock.untilSleeping(for: .seconds(30))
      clock.advance(by: .seconds(30))
      try? await renewal.untilArrived()
      try? await clock.untilSleeping(for: .seconds(10))
      clock.advance(by: .seconds(10))
      try? await yieldUntil { delivery.state == .lost }
      renewal.open()
      try? await isCancelled.wait { $0 != nil }
    }
    #expect(isCancelled.value == true)
    #expect(!delivery.claim(.settled), "it is not to be settled any more")
  }

  @Test("a change of the visibility waits for the answer to a renewal that is under way")
  func renewalUnderWay() async throws {
    let clock = ManualClock()
    let deadlines = TimerQueue(clock: WorkerClock(clock))
    let answer = AsyncValue<(@Sendable (Result<Void, QueueError>) -> Void)?>(nil)
    let lease = Lease(visibilityTimeout: .seconds(40), clock: WorkerClock(clock), deadlines: deadlines) {
      _, _, completion in
      answer.update { $0 = completion }
    }
    let delivery = Delivery(
      message: ReceivedMessage(id: "m", receiptHandle: "h", body: []), receivedAt: .zero,
      visibilityTimeout: .seconds(40))
    let events = AsyncValue<[String]>([])
    lease.keep(delivery)
    await deadlines.watching {
      try? await clock.untilSleeping(for: .seconds(30))
      clock.advance(by: .seconds(30))
      try? await answer.wait { $0 != nil }
      let change = Task {
        await lease.endForChange(delivery)
        events.update { $0.append("change") }
      }
      for _ in 1...100 { await Task.yield() }
      events.update { $0.append("answer") }
      answer.value?(.success(()))
      await change.value
      // Without a renewal under way there is nothing to wait for.
      await lease.endForChange(delivery)
    }
    #expect(events.value == ["answer", "change"])
    #expect(delivery.leaseEnd == .seconds(70))
  }

  @Test("a lease that cannot be renewed in time is lost, even without an error of the queue")
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
      // The message is visible again, and is delivered a second time.
      gate.open()
      try await harness.untilSettled("handled")
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["lost": 1, "handled": 1])
  }
}
