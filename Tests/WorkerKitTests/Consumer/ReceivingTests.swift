import TestSupport
import Testing
import WorkerLocks
import WorkerTesting

@testable import WorkerKit

@Suite("Receiving", .timeLimit(.minutes(20)))
struct ReceivingTests {
  let clock = ManualClock()
  let gate = Gate()

  /// A consumer whose receives request ten messages, and whose handlers wait at the gate.
  func consumer(
    of queue: AnsweredQueue, concurrency: Int, prefetchMultiplier: Int = 0, window: Duration = .zero,
    work: @escaping @Sendable () async -> Void = {}
  ) -> QueueConsumer {
    var configuration = QueueConsumer.Configuration()
    configuration.concurrency = concurrency
    configuration.maxMessages = 10
    configuration.prefetchMultiplier = prefetchMultiplier
    configuration.settlementWindow = window
    configuration.receiveWindow = window
    configuration.receiveGrace = .zero
    let handler = ClosureHandler { [gate] (_: Greeting, _) in
      try await gate.pass()
      await work()
    }
    let route = Route(eventType: "GREETED", handlerName: "greetings.hello", handler: handler)
    return QueueConsumer(
      queue: queue, table: RoutingTable(routes: [route]), configuration: configuration, clock: WorkerClock(clock),
      random: { 0.5 }, logger: quietLogger)
  }

  @Test("each full receive from a deep queue adds one receive; an empty queue gets only one")
  func deepAndEmpty() async throws {
    let queue = AnsweredQueue()
    gate.open()
    try await consumer(of: queue, concurrency: 100).run {
      try await queue.untilAsked(1)
      // Two receives replace each.
      for number in 1...3 {
        queue.answer(number, with: 10)
        try await queue.untilAsked(2 * number + 1)
      }
      // None replaces these four, except the last one.
      for number in 4...7 { queue.answer(number, with: 0) }
      try await queue.untilAsked(8)
    }
    #expect(queue.underWay == [1, 1, 2, 2, 3, 3, 4, 1])
    #expect(queue.asked == Array(repeating: 10, count: 8))
  }

  @Test("a receive requests no more than the slots left by messages in flight and by other receives")
  func slots() async throws {
    let queue = AnsweredQueue()
    try await consumer(of: queue, concurrency: 25).run {
      try await queue.untilAsked(1)
      queue.answer(1, with: 10)
      try await queue.untilAsked(3)
      gate.open()
    }
    // The second and the third receive start at the same time.
    #expect(queue.asked.sorted() == [5, 10, 10])
  }

  @Test(
    "waiting, running and requested messages never exceed the slots and the prefetch limit",
    arguments: [0, 2])
  func neverMore(prefetchMultiplier: Int) async throws {
    let seed = SeededGenerator.drawnSeed
    print("seed \(seed)")
    let random = Mutex(SeededGenerator(seed: seed))
    @Sendable func draw(_ range: ClosedRange<Int>) -> Int { random.withLock { Int.random(in: range, using: &$0) } }
    @Sendable func dawdle() async {
      for _ in 0..<draw(0...4) { await Task.yield() }
    }
    let queue = AnsweredQueue { most in
      await dawdle()
      return draw(0...2) == 0 ? draw(0...most) : most
    }
    let work = { @Sendable in
      await dawdle()
      // The duration of each by the clock.
      clock.advance(by: .milliseconds(1))
      queue.noteHandled()
    }
    let consumer = consumer(of: queue, concurrency: 25, prefetchMultiplier: prefetchMultiplier, work: work)
    try await consumer.run {
      try await queue.untilInHand(25)
      #expect(queue.most == 25, "nothing is known of the handlers yet")
      gate.open()
      try await queue.untilDeleted(2000)
    }
    #expect(queue.most <= 25 + prefetchMultiplier * 25, "seed \(seed)")
  }

  @Test("a slow message delays neither the messages of its receive nor later ones")
  func slow() async throws {
    let harness = ConsumerHarness(
      handler: ClosureHandler { [gate] (event: Greeting, _) in
        if event.name == "slow" { try await gate.pass() }
      },
      configure: {
        $0.concurrency = 10
        $0.maxMessages = 10
      })
    let slow = harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"slow","times":1}"#))
    for _ in 1...99 { harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting)) }
    try await harness.run {
      try await harness.untilSettled("handled", count: 99)
      #expect(harness.queue.messages.map(\.id) == [slow])
      gate.open()
      try await harness.untilSettled("handled", count: 100)
    }
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("with one free slot, a receive waits for more free slots, and then requests ten")
  func waitsForSlots() async throws {
    let queue = AnsweredQueue()
    try await consumer(of: queue, concurrency: 11, window: .milliseconds(10)).run {
      try await queue.untilAsked(1)
      queue.answer(1, with: 10)
      try await gate.untilArrived(10)
      try await clock.untilSleeping(for: .milliseconds(10))
      gate.open()
      try await queue.untilAsked(2)
    }
    #expect(queue.asked == [10, 10])
  }

  @Test("it waits at most for the settlement window, and then requests as many messages as slots are free")
  func asksForFewer() async throws {
    let queue = AnsweredQueue()
    try await consumer(of: queue, concurrency: 11, window: .milliseconds(10)).run {
      try await queue.untilAsked(1)
      queue.answer(1, with: 10)
      try await gate.untilArrived(10)
      try await clock.untilSleeping(for: .milliseconds(10))
      clock.advance(by: .milliseconds(10))
      try await queue.untilAsked(2)
      #expect(queue.asked == [10, 1])
      gate.open()
    }
  }
}
