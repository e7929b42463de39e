import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("The consumer", .timeLimit(.minutes(1)))
struct QueueConsumerTests {
  @Test("a handled message is deleted")
  func handled() async throws {
    let names = Record<String>()
    let harness = ConsumerHarness(handler: ClosureHandler { (event: Greeting, _) in names.add(event.name) })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run { try await harness.untilSettled("handled") }
    #expect(names.all == ["Ada"])
    #expect(harness.queue.messages.isEmpty)
    #expect(harness.deadLetters.messages.isEmpty)
  }

  @Test("a transient failure waits out its backoff, and succeeds on the third receive")
  func transient() async throws {
    let attempts = Record<Int>()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, context) in
        attempts.add(context.receiveCount)
        if context.receiveCount < 3 { throw EventError(.unavailable, "not yet") }
      })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      for (count, delay) in [(1, 2), (2, 4)] {
        try await harness.untilSettled("retried", count: count)
        #expect(harness.queue.visibilityChanges.last?.timeout == .seconds(delay))
        harness.clock.advance(by: .seconds(delay))
      }
      try await harness.untilSettled("handled")
    }
    #expect(attempts.all == [1, 2, 3])
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a message that keeps failing reaches the dead-letter queue by the queue's own redrive policy, with its id")
  func redrivePolicy() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in throw EventError(.unavailable, "never") },
      backoff: Backoff(base: .milliseconds(1), factor: 1, max: .seconds(1), jitter: .full))
    let id = harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      for count in 1...3 {
        try await harness.untilSettled("retried", count: count)
        harness.clock.advance(by: .seconds(21))
      }
      try await yieldUntil { !harness.deadLetters.messages.isEmpty }
    }
    #expect(harness.deadLetters.messages.map(\.id) == [id])
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a permanent failure goes to the dead-letter queue at once, with its reason")
  func permanent() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in throw EventError(.conflict, "already greeted") })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting, attributes: ["k": .string("v")]))
    try await harness.run { try await harness.untilSettled("dead-lettered") }
    let letter = try #require(harness.deadLetters.messages.first)
    #expect(String(decoding: letter.body, as: UTF8.self) == ConsumerHarness.greeting)
    #expect(letter.attributes["k"] == .string("v"))
    #expect(letter.attributes["WorkerFailure"]?.stringValue?.contains(#""message":"already greeted""#) == true)
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("an unknown event is dead-lettered, or left where the table says so", arguments: Unrouted.allCases)
  func unrouted(_ unrouted: Unrouted) async throws {
    let harness = ConsumerHarness(handler: ClosureHandler { (_: Greeting, _) in }, unrouted: unrouted)
    harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETD"}"#))
    try await harness.run {
      try await harness.untilSettled(unrouted == .deadLetter ? "dead-lettered" : "left")
    }
    if unrouted == .deadLetter {
      let reason = harness.deadLetters.messages.first?.attributes["WorkerFailure"]?.stringValue
      #expect(reason?.contains("did the producer mean GREETED?") == true)
      #expect(harness.queue.messages.isEmpty)
    } else {
      #expect(harness.queue.messages.count == 1)
    }
  }

  @Test("a dead letter that cannot be sent leaves the message on the queue")
  func deadLetterFails() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in throw EventError(.conflict, "no") })
    harness.deadLetters.fail(
      .send, with: QueueError(code: .init(rawValue: "AccessDenied"), kind: .badRequest, message: "no"))
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run { try await harness.untilSettled("left") }
    #expect(harness.queue.messages.count == 1)
    #expect(harness.deadLetters.messages.isEmpty)
  }

  @Test("an error of no declared kind follows `otherwise`", arguments: Disposition.allCases)
  func unexpected(_ otherwise: Disposition) async throws {
    struct Surprise: Error {}
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in throw Surprise() },
      errorPolicy: ErrorPolicy(dispositions: [:], otherwise: otherwise))
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      try await harness.untilSettled(otherwise == .permanent ? "dead-lettered" : "retried")
    }
  }

  @Test("no more is received than there are free slots, and a slow message does not hold up the others")
  func slots() async throws {
    let gate = Gate()
    let handled = Record<String>()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (event: Greeting, _) in
        if event.name == "slow" { try await gate.pass() }
        handled.add(event.name)
      },
      configure: { $0.concurrency = 2 })
    harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"slow","times":1}"#))
    for _ in 1...20 { harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting)) }
    try await harness.run {
      try await handled.untilCount(20)
      #expect(harness.consumer.inFlight.deliveries.count <= 2)
      gate.open()
      try await handled.untilCount(21)
    }
    #expect(harness.consumer.inFlight.deliveries.isEmpty)
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a failed receive is tried again, and the loop goes on")
  func receiveFails() async throws {
    let harness = ConsumerHarness(handler: ClosureHandler { (_: Greeting, _) in })
    for _ in 1...3 {
      harness.queue.fail(.receive, with: QueueError(code: .connection, kind: .network, message: "down"))
    }
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      for delay in [Duration.milliseconds(500), .seconds(1), .seconds(2)] {
        try await harness.clock.untilSleeping(for: delay)
        harness.clock.advance(by: delay)
      }
      try await harness.untilSettled("handled")
    }
  }

  @Test("a delete that fails is tried again while the lease lasts")
  func deleteFails() async throws {
    let harness = ConsumerHarness(handler: ClosureHandler { (_: Greeting, _) in })
    harness.queue.fail(.delete, with: QueueError(code: .connection, kind: .network, message: "down"))
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      try await harness.clock.untilSleeping(for: .milliseconds(100))
      harness.clock.advance(by: .milliseconds(100))
      try await harness.untilSettled("handled")
    }
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a handler that takes longer than its route allows is cancelled, and its event tried again")
  func timeout() async throws {
    let gate = Gate()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in try await gate.pass() }, timeout: .seconds(5))
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      try await gate.untilArrived()
      try await harness.clock.untilSleeping(for: .seconds(5))
      harness.clock.advance(by: .seconds(5))
      try await harness.untilSettled("retried")
    }
    #expect(harness.queue.messages.count == 1)
  }

  @Test("one that is to stop when the queue is empty fails, where it cannot be reached for two minutes")
  func unreachable() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in }, configure: { $0.stopsWhenEmpty = true })
    let down = QueueError(code: .connection, kind: .network, message: "connection refused")
    for _ in 1...20 { harness.queue.fail(.receive, with: down) }
    let run = Task { try await harness.consumer.run() }
    // 0.5, 1, 2, 4, 8, 16, and then 20 s each.
    for _ in 1...11 { try await harness.clock.advanceToNextSleeper() }
    let error = await run.result
    #expect(throws: QueueError.self) { try error.get() }
    #expect(harness.consumer.status.activity == .stopped)
  }

  @Test("so it does where the queue's counts cannot be read; it looks again only after a while")
  func uncounted() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in },
      configure: {
        $0.stopsWhenEmpty = true
        $0.waitTime = .zero
      })
    let refused = QueueError(
      code: .init(rawValue: "AccessDenied"), kind: .badRequest, message: "sqs:GetQueueAttributes is not allowed")
    for _ in 1...20 { harness.queue.fail(.attributes, with: refused) }
    let run = Task { try await harness.consumer.run() }
    // 0.5, 1, 2, 4, 8, 16, and then 20 s each.
    for _ in 1...11 { try await harness.clock.advanceToNextSleeper() }
    let error = await run.result
    #expect(throws: QueueError.self) { try error.get() }
  }

  @Test("it stops by itself when the queue is empty, if told so")
  func stopsWhenEmpty() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in },
      configure: {
        $0.stopsWhenEmpty = true
        $0.waitTime = .zero
      })
    for _ in 1...12 { harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting)) }
    try await harness.consumer.run()
    #expect(harness.consumer.tally.outcomes == ["handled": 12])
  }

  @Test("counts that say empty while a message is on its way do not stop it")
  func stopsWhenTrulyEmpty() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in },
      configure: {
        $0.stopsWhenEmpty = true
        $0.waitTime = .seconds(1)
      })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await harness.consumer.run() }
      try await harness.clock.untilSleeping(for: .seconds(1))
      harness.clock.advance(by: .seconds(1))
      // It has looked once, and found nothing.
      try await harness.clock.untilSleeping(for: .seconds(1))
      harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
      try await harness.untilSettled("handled")
      // It looks twice more. Meanwhile it may have begun another receive.
      group.addTask { while true { try await harness.clock.advanceToNextSleeper() } }
      try await group.next()
      group.cancelAll()
    }
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a queue that does not exist is an error at the start")
  func missingQueue() async throws {
    let harness = ConsumerHarness(handler: ClosureHandler { (_: Greeting, _) in })
    let missing = QueueError(
      code: .init(rawValue: "AWS.SimpleQueueService.NonExistentQueue"), kind: .notFound, message: "no such queue")
    harness.queue.fail(.attributes, with: missing)
    await #expect(throws: QueueError.self) { try await harness.consumer.run() }
  }
}
