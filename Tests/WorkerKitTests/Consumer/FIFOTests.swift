import TestSupport
import Testing
import WorkerLocks
import WorkerTesting

@testable import WorkerKit

@Suite("FIFO queues", .timeLimit(.minutes(20)))
struct FIFOTests {
  func event(_ name: String) -> [UInt8] {
    Array(#"{"eventType":"GREETED","name":"\#(name)","times":1}"#.utf8)
  }

  @Test("the messages of a group are handled one at a time, in order; groups are handled concurrently")
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

  @Test("a failed message is retried before those behind it, which does not use up their retries")
  func failure() async throws {
    let handled = Record<String>()
    let harness = ConsumerHarness(
      queueName: "events.fifo",
      handler: ClosureHandler { (event: Greeting, context) in
        handled.add("\(event.name) \(context.receiveCount)")
        if event.name == "a1", context.receiveCount == 1 { throw EventError(.unavailable, "not yet") }
        if event.name == "b1" { throw EventError(.conflict, "never") }
      },
      configure: { $0.maxMessages = 10 })
    for name in ["a1", "a2", "b1", "b2"] {
      harness.queue.put(body: event(name), groupID: String(name.prefix(1)))
    }
    try await harness.run {
      try await harness.untilSettled("dead-lettered")
      try await harness.clock.untilSleeping(for: .seconds(2))
      harness.clock.advance(by: .seconds(2))
      try await harness.untilSettled("handled", count: 3)
    }
    let all = handled.all
    #expect(all.filter { $0.hasPrefix("a") } == ["a1 1", "a1 2", "a2 1"])
    #expect(all.filter { $0.hasPrefix("b") } == ["b1 1", "b2 1"])
    #expect(harness.deadLetters.messages.map(\.groupID) == ["b"])
    #expect(harness.queue.messages.isEmpty)
  }

  @Test(
    "a message that always fails is dead-lettered after maxReceiveCount attempts; then the next one starts")
  func poison() async throws {
    let handled = Record<String>()
    let harness = ConsumerHarness(
      queueName: "events.fifo",
      handler: ClosureHandler { (event: Greeting, context) in
        handled.add("\(event.name) \(context.receiveCount)")
        if event.name == "a1" { throw EventError(.network, "never") }
      },
      backoff: Backoff(base: .seconds(1), factor: 1, max: .seconds(1), jitter: .none),
      configure: { $0.maxMessages = 10 })
    for name in ["a1", "a2"] {
      harness.queue.put(body: event(name), groupID: "a")
    }
    try await harness.run {
      for tries in 1...2 {
        try await handled.untilCount(tries)
        try await harness.clock.untilSleeping(for: .seconds(1))
        harness.clock.advance(by: .seconds(1))
      }
      try await harness.untilSettled("handled")
    }
    #expect(handled.all == ["a1 1", "a1 2", "a1 3", "a2 1"])
    #expect(harness.deadLetters.messages.count == 1)
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a failed message without received messages behind it returns to the queue for its backoff")
  func alone() async throws {
    let harness = ConsumerHarness(
      queueName: "events.fifo",
      handler: ClosureHandler { (_: Greeting, context) in
        if context.receiveCount == 1 { throw EventError(.network, "not yet") }
      })
    harness.queue.put(body: event("a1"), groupID: "a")
    try await harness.run {
      try await harness.untilSettled("retried")
      harness.clock.advance(by: .seconds(2))
      try await harness.untilSettled("handled")
    }
    #expect(harness.queue.visibilityChanges.map(\.timeout) == [.seconds(2)])
  }

  @Test("while dead letters cannot be sent, the messages behind a permanent failure do not use up their retries")
  func brokenDeadLetterQueue() async throws {
    let handled = Record<String>()
    let harness = ConsumerHarness(
      queueName: "events.fifo",
      handler: ClosureHandler { (event: Greeting, context) in
        if event.name == "a1" { throw EventError(.conflict, "never") }
        handled.add("\(event.name) \(context.receiveCount)")
      },
      configure: { $0.maxMessages = 10 })
    let denied = QueueError(code: .init(rawValue: "AccessDenied"), kind: .badRequest, message: "denied")
    for _ in 1...3 { harness.deadLetters.fail(.send, with: denied) }
    for name in ["a1", "a2", "a3"] {
      harness.queue.put(body: event(name), groupID: "a")
    }
    try await harness.run {
      try await harness.untilSettled("released", count: 2)
      for round in 1...3 {
        try await harness.untilSettled("left", count: round)
        // One receive waits in vain for 20 seconds, and the next one until the visibility timeout of 30 ends. In the end the
        // queue's redrive policy moves the message.
        for wait in [Duration.seconds(20), .seconds(10)] {
          try await harness.clock.untilSleeping(for: wait)
          harness.clock.advance(by: wait)
        }
      }
      try await handled.untilCount(2)
    }
    // Received with the first, and not again before that is gone.
    #expect(handled.all == ["a2 2", "a3 2"])
    #expect(harness.deadLetters.messages.map(\.receiveCount) == [3])
  }

  @Test("a permanent failure without room for its failure record is dead-lettered, and does not block its group")
  func noRoom() async throws {
    let handled = Record<String>()
    let harness = ConsumerHarness(
      queueName: "events.fifo",
      handler: ClosureHandler { (event: Greeting, context) in handled.add("\(event.name) \(context.receiveCount)") },
      configure: { $0.maxMessages = 10 })
    let attributes = Dictionary(uniqueKeysWithValues: (1...10).map { ("a\($0)", MessageAttribute.string("x")) })
    harness.queue.put(body: Array("no event".utf8), attributes: attributes, groupID: "a")
    harness.queue.put(body: event("a2"), groupID: "a")
    try await harness.run { try await harness.untilSettled("handled") }
    #expect(handled.all == ["a2 1"])
    #expect(harness.deadLetters.messages.map(\.body) == [Array("no event".utf8)])
    #expect(harness.deadLetters.messages.first?.attributes == attributes)
  }

  @Test("a message that loses its lease starts no message behind it, and holds none back either")
  func lostLease() async throws {
    let gate = Gate()
    let handled = Record<String>()
    let harness = ConsumerHarness(
      queueName: "events.fifo",
      handler: ClosureHandler { (event: Greeting, context) in
        handled.add("\(event.name) \(context.receiveCount)")
        if event.name == "a1", context.receiveCount == 1 { await gate.passStubbornly() }
      }, timeout: .seconds(600),
      configure: { $0.maxMessages = 10 })
    for name in ["a1", "a2"] {
      harness.queue.put(body: event(name), groupID: "a")
    }
    try await harness.run(opening: gate) {
      try await gate.untilArrived()
      // The first message's lease has ended, which its renewal detects; the message behind it is returned.
      let first = try #require(harness.queue.messages.first)
      _ = try await harness.queue.changeVisibility([.init(receiptHandle: first.receiptHandle, timeout: .zero)])
      try await harness.clock.untilSleeping(for: .seconds(20))
      harness.clock.advance(by: .seconds(20))
      try await handled.untilCount(3)
      gate.open()
      try await harness.untilSettled("handled", count: 2)
      try await harness.untilSettled("lost")
    }
    #expect(handled.all == ["a1 1", "a1 2", "a2 2"])
  }

  @Test("messages that wait for their predecessor hold no slot")
  func slots() async throws {
    let gate = Gate()
    let handled = Record<String>()
    let harness = ConsumerHarness(
      queueName: "events.fifo",
      handler: ClosureHandler { (event: Greeting, _) in
        if event.name.hasPrefix("a") { try await gate.pass() }
        handled.add(event.name)
      },
      configure: {
        $0.maxMessages = 10
        $0.concurrency = 2
      })
    for name in ["a1", "a2", "b1", "b2", "b3"] {
      harness.queue.put(body: event(name), groupID: String(name.prefix(1)))
    }
    try await harness.run {
      try await handled.untilCount(3)
      #expect(handled.all == ["b1", "b2", "b3"])
      #expect(harness.consumer.status.parked == 1)
      gate.open()
      try await handled.untilCount(5)
    }
    #expect(handled.all.suffix(2) == ["a1", "a2"])
  }

  @Test("if messages settle at random, each group stays in order, and no retry is lost")
  func randomFailures() async throws {
    let seed = SeededGenerator.drawnSeed
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let clock = WorkerClock.continuous
    let deadLetters = InMemoryQueue("events-dlq.fifo", clock: clock)
    let queue = InMemoryQueue("events.fifo", redrive: .init(to: deadLetters, maxReceiveCount: 3), clock: clock)
    // How often each message fails, and whether permanently.
    var plans: [String: (failures: Int, isPermanent: Bool)] = [:]
    var sent: [String: [String]] = [:]
    for number in 0..<300 {
      let group = "g\(Int.random(in: 0..<12, using: &random))"
      let name = "\(group) \(number)"
      plans[name] = (Int.random(in: 0..<6, using: &random) / 2, Int.random(in: 0..<20, using: &random) == 0)
      sent[group, default: []].append(name)
      queue.put(body: event(name), groupID: group)
    }
    let tries = Mutex<[String: Int]>([:])
    let handled = Record<String>()
    let handler = ClosureHandler { [plans] (event: Greeting, context) in
      let plan = try #require(plans[event.name])
      let count = tries.withLock { tries in
        tries[event.name, default: 0] += 1
        return tries[event.name] ?? 0
      }
      // A message is received once more for each of its own failures, regardless of the messages behind it.
      #expect(context.receiveCount == count, "seed \(seed): \(event.name)")
      if plan.isPermanent { throw EventError(.conflict, "never") }
      if count <= plan.failures { throw EventError(.network, "not yet") }
      handled.add(event.name)
    }
    var configuration = QueueConsumer.Configuration()
    configuration.stopsWhenEmpty = true
    configuration.maxMessages = 10
    configuration.concurrency = 5
    configuration.waitTime = .zero
    configuration.settlementWindow = .zero
    configuration.receiveWindow = .zero
    // No lease ends meanwhile, however slow the machine is.
    configuration.visibilityTimeout = .seconds(3600)
    let consumer = QueueConsumer(
      queue: queue,
      table: RoutingTable(routes: [
        Route(
          eventType: "GREETED", handlerName: "h", handler: handler,
          backoff: Backoff(base: .nanoseconds(1), factor: 1, max: .nanoseconds(1), jitter: .none))
      ]), configuration: configuration, clock: clock, random: { 0 }, logger: quietLogger)
    try await consumer.run()

    let order = handled.all
    for (group, names) in sent {
      let good = names.filter { plans[$0].map { !$0.isPermanent } ?? false }
      #expect(order.filter { $0.hasPrefix("\(group) ") } == good, "seed \(seed)")
    }
    #expect(deadLetters.messages.count == plans.values.count(where: \.isPermanent), "seed \(seed)")
    #expect(queue.messages.isEmpty, "seed \(seed)")
  }
}
