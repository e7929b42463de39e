import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("The consumer", .timeLimit(.minutes(20)))
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

  @Test("a transient failure waits for its backoff, and succeeds on the third receive")
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

  @Test("a permanent failure goes to the dead-letter queue at once, with its reason")
  func permanent() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in throw EventError(.conflict, "already greeted") })
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting, attributes: ["k": .string("v")]))
    try await harness.run { try await harness.untilSettled("dead-lettered") }
    let deadLetter = try #require(harness.deadLetters.messages.first)
    #expect(String(decoding: deadLetter.body, as: UTF8.self) == ConsumerHarness.greeting)
    #expect(deadLetter.attributes["k"] == .string("v"))
    #expect(deadLetter.attributes["WorkerFailure"]?.stringValue?.contains(#""message":"already greeted""#) == true)
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("an unknown event is dead-lettered, or left if the table is configured so", arguments: Unrouted.allCases)
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

  @Test("an error without a declared kind follows `otherwise`", arguments: Disposition.allCases)
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

  @Test("no more messages are received than slots are free, and a slow message does not delay the others")
  func slots() async throws {
    let gate = Gate()
    let handled = Record<String>()
    let harness = ConsumerHarness(
      handler: ClosureHandler { (event: Greeting, _) in
        if event.name == "slow" { try await gate.pass() }
        handled.add(event.name)
      },
      configure: {
        $0.concurrency = 2
        $0.prefetchMultiplier = 0
      })
    harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"slow","times":1}"#))
    for _ in 1...20 { harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting)) }
    try await harness.run {
      try await handled.untilCount(20)
      let counts = harness.consumer.inFlight.counts
      #expect(counts.handled + counts.ahead <= 2)
      gate.open()
      try await handled.untilCount(21)
    }
    #expect(harness.consumer.inFlight.deliveries.isEmpty)
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("a failed receive is retried, and the loop continues")
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

  @Test("a failed deletion is retried until the lease ends")
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

  @Test("a handler that exceeds its route's timeout is cancelled, and its event retried")
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

  @Test("with stopsWhenEmpty, it fails if the queue cannot be reached for two minutes")
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

  @Test("with stopsWhenEmpty, it fails if the queue's counts cannot be read; it retries with a delay")
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

  @Test("with stopsWhenEmpty, it stops when the queue is empty")
  func stopsWhenEmpty() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in },
      configure: {
        $0.stopsWhenEmpty = true
        $0.waitTime = .zero
      })
    for _ in 1...12 { harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting)) }
    try await harness.consumer.run()
    #expect(harness.consumer.outcomeCounts.outcomes == ["handled": 12])
  }

  @Test("with stopsWhenEmpty, it does not stop if the counts are zero while a message is in transit")
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
      // The consumer has checked the counts once, and found zero.
      try await harness.clock.untilSleeping(for: .seconds(1))
      harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
      try await harness.untilSettled("handled")
      // It checks twice more. Meanwhile it may have started another receive.
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
