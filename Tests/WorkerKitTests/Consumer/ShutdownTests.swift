import TestSupport
import Testing
import WorkerLocks
import WorkerTesting

@testable import WorkerKit

@Suite("Shutdown", .timeLimit(.minutes(20)))
struct ShutdownTests {
  @Test("an idle consumer stops at once, during its long poll")
  func idle() async throws {
    let harness = ConsumerHarness(handler: ClosureHandler { (_: Greeting, _) in })
    // The clock does not advance, so only the shutdown can end the poll.
    try await harness.run { try await harness.clock.untilSleeping(for: .seconds(20)) }
  }

  @Test("a receive that was just sent still gets its response, because the messages in it must not be lost")
  func justSent() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in }, configure: { $0.receiveGrace = .seconds(2) })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await harness.run { try await harness.clock.untilSleeping(for: .seconds(20)) }
      }
      // The shutdown has started, and waits for the response.
      try await harness.clock.untilSleeping(for: .seconds(2))
      harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
      try await group.waitForAll()
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 1])
  }

  @Test("messages in flight finish and are deleted")
  func finishes() async throws {
    let gate = Gate()
    let harness = ConsumerHarness(handler: ClosureHandler { (_: Greeting, _) in try await gate.pass() })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await harness.run { try await gate.untilArrived() }
      }
      try await harness.clock.untilSleeping(for: .seconds(30))
      gate.open()
      try await group.waitForAll()
    }
    #expect(harness.queue.messages.isEmpty)
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 1])
  }

  /// One slot, whose handler waits at the gate, and prefetched messages.
  private func harnessWithAhead(_ gate: Gate, onCancel: @escaping @Sendable () -> Void = {}) -> ConsumerHarness {
    ConsumerHarness(
      handler: ClosureHandler { (event: Greeting, _) in
        guard event.name == "slow" else { return }
        try await withTaskCancellationHandler {
          try await gate.pass()
        } onCancel: {
          onCancel()
        }
      }, timeout: .seconds(300),
      configure: {
        $0.concurrency = 1
        $0.maxMessages = 1
        $0.shutdownDeadline = .seconds(12)
      })
  }

  /// Fills the slot, and prefetches two messages.
  private func fill(_ harness: ConsumerHarness, _ gate: Gate) async throws {
    // The clock does not advance, so handlers take no time, and twice as many messages as slots are prefetched.
    for _ in 1...3 { harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting)) }
    try await harness.untilSettled("handled", count: 3)
    for name in ["slow", "a", "b"] {
      harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"\#(name)","times":1}"#))
    }
    try await gate.untilArrived()
    try await yieldUntil { harness.consumer.inFlight.counts == .init(all: 3, handled: 1, ahead: 2) }
  }

  @Test("prefetched messages are handled within the deadline")
  func ahead() async throws {
    let gate = Gate()
    let harness = harnessWithAhead(gate)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await harness.run { try await self.fill(harness, gate) } }
      try await harness.clock.untilSleeping(for: .seconds(12))
      gate.open()
      try await group.waitForAll()
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 6])
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("at the deadline prefetched messages are made visible again, as are those in their handlers")
  func aheadAtTheDeadline() async throws {
    let gate = Gate()
    let harness = harnessWithAhead(gate)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await harness.run { try await self.fill(harness, gate) } }
      try await harness.clock.untilSleeping(for: .seconds(12))
      harness.clock.advance(by: .seconds(12))
      try await group.waitForAll()
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 3, "released": 3])
    let again = try await harness.queue.receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(1))
    #expect(again.map(\.receiveCount) == [2, 2, 2])
  }

  @Test("at the deadline no message can take the slot of a handler that is cancelled")
  func slotsCloseFirst() async throws {
    let gate = Gate()
    let consumer = Mutex<QueueConsumer?>(nil)
    let aheadWhenCancelled = Mutex<Int?>(nil)
    let harness = harnessWithAhead(
      gate,
      onCancel: {
        let count = consumer.withLock { $0 }?.inFlight.counts.ahead
        aheadWhenCancelled.withLock { $0 = count }
      })
    consumer.withLock { $0 = harness.consumer }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await harness.run { try await self.fill(harness, gate) } }
      try await harness.clock.untilSleeping(for: .seconds(12))
      harness.clock.advance(by: .seconds(12))
      try await group.waitForAll()
    }
    #expect(aheadWhenCancelled.withLock { $0 } == 0)
  }

  @Test("at the deadline a handler is cancelled, and its message is visible again at once")
  func deadline() async throws {
    let gate = Gate()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in try await gate.pass() }, timeout: .seconds(300),
      configure: { $0.shutdownDeadline = .seconds(12) })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await harness.run { try await gate.untilArrived() }
      }
      try await harness.clock.untilSleeping(for: .seconds(12))
      harness.clock.advance(by: .seconds(12))
      try await group.waitForAll()
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["released": 1])
    #expect(
      try await harness.queue.receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(1)).count == 1)
  }

  @Test("a message whose handler succeeds in spite of its cancellation is handled, and deleted")
  func finishesLate() async throws {
    let gate = Gate()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in
        do {
          try await gate.pass()
        } catch {
          // Cancelled, but the work is done.
        }
      }, timeout: .seconds(300),
      configure: { $0.shutdownDeadline = .seconds(12) })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await harness.run { try await gate.untilArrived() }
      }
      try await harness.clock.untilSleeping(for: .seconds(12))
      harness.clock.advance(by: .seconds(12))
      try await group.waitForAll()
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 1])
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a handler that continues after its lease was lost is reported, although there is nothing to return")
  func stubbornAndLost() async throws {
    let gate = Gate()
    let reported = Record<Void>()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in await gate.passStubbornly() }, timeout: .seconds(300),
      onStuckHandlers: { reported.add(()) },
      configure: { $0.shutdownDeadline = .seconds(12) })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    harness.queue.fail(
      .changeVisibility,
      with: QueueError(code: .init(rawValue: "ReceiptHandleIsInvalid"), kind: .badRequest, message: "gone"))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await harness.run(opening: gate) {
          try await gate.untilArrived()
          try await harness.clock.untilSleeping(for: .seconds(20))
          harness.clock.advance(by: .seconds(20))
          try await yieldUntil { harness.consumer.inFlight.deliveries.allSatisfy { $0.state == .lost } }
        }
      }
      // The deadline, and the grace period after it. No settlements are pending.
      for wait in [12, 1] {
        try await harness.clock.untilSleeping(for: .seconds(wait))
        harness.clock.advance(by: .seconds(wait))
      }
      try await reported.untilCount(1)
      gate.open()
      try await group.waitForAll()
    }
    #expect(harness.consumer.outcomeCounts.outcomes == ["lost": 1])
  }

  @Test("a handler that ignores its cancellation is reported, and its message is visible again at once")
  func stubborn() async throws {
    let gate = Gate()
    let reported = Record<Void>()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in await gate.passStubbornly() }, timeout: .seconds(300),
      onStuckHandlers: { reported.add(()) },
      configure: { $0.shutdownDeadline = .seconds(12) })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await harness.run(opening: gate) { try await gate.untilArrived() }
      }
      try await harness.clock.untilSleeping(for: .seconds(12))
      harness.clock.advance(by: .seconds(12))
      try await harness.clock.untilSleeping(for: .seconds(1))
      harness.clock.advance(by: .seconds(1))
      try await reported.untilCount(1)
      #expect(harness.consumer.outcomeCounts.outcomes == ["released": 1])
      let again = try await harness.queue.receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(60))
      #expect(again.count == 1)
      gate.open()
      try await group.waitForAll()
    }
    // The handler has finished, but it may no longer delete its message.
    #expect(harness.consumer.outcomeCounts.outcomes == ["released": 1])
    #expect(harness.queue.messages.count == 1)
  }
}
