import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Shutdown", .timeLimit(.minutes(1)))
struct ShutdownTests {
  @Test("an idle consumer stops at once, in the middle of its long poll")
  func idle() async throws {
    let harness = ConsumerHarness(handler: ClosureHandler { (_: Greeting, _) in })
    // The clock stands still, so only the shutdown can end the poll.
    try await harness.run { try await harness.clock.untilSleeping(for: .seconds(20)) }
  }

  @Test("a receive that was just sent is still answered: what the queue has handed out for it must not be lost")
  func justSent() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in }, configure: { $0.receiveGrace = .seconds(2) })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await harness.run { try await harness.clock.untilSleeping(for: .seconds(20)) }
      }
      // The shutdown has begun, and waits for the answer.
      try await harness.clock.untilSleeping(for: .seconds(2))
      harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
      try await group.waitForAll()
    }
    #expect(harness.consumer.tally.outcomes == ["handled": 1])
  }

  @Test("what is in hand finishes and is deleted")
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
    #expect(harness.consumer.tally.outcomes == ["handled": 1])
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
    #expect(harness.consumer.tally.outcomes == ["released": 1])
    #expect(
      try await harness.queue.receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(1)).count == 1)
  }

  @Test("what finishes after its cancellation all the same has been handled, and is deleted")
  func finishesLate() async throws {
    let gate = Gate()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in
        do {
          try await gate.pass()
        } catch {
          // Cancelled; its work is done nevertheless.
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
    #expect(harness.consumer.tally.outcomes == ["handled": 1])
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a handler that goes on after its lease was lost is reported, though there is nothing to give back")
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
      // The deadline, and the grace after it. There are no settlements to wait for.
      for wait in [12, 1] {
        try await harness.clock.untilSleeping(for: .seconds(wait))
        harness.clock.advance(by: .seconds(wait))
      }
      try await reported.untilCount(1)
      gate.open()
      try await group.waitForAll()
    }
    #expect(harness.consumer.tally.outcomes == ["lost": 1])
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
      #expect(harness.consumer.tally.outcomes == ["released": 1])
      let again = try await harness.queue.receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(60))
      #expect(again.count == 1)
      gate.open()
      try await group.waitForAll()
    }
    // It finished after all, but its message was no longer its to delete.
    #expect(harness.consumer.tally.outcomes == ["released": 1])
    #expect(harness.queue.messages.count == 1)
  }
}
