import TestSupport
import Testing
import WorkerLocks
import WorkerTesting

@testable import WorkerKit

@Suite("Slots", .timeLimit(.minutes(20)))
struct SlotsTests {
  struct Surprise: Error {}

  @Test("after all messages are settled, every slot is free, and every message is accounted for")
  func randomOutcomes() async throws {
    let seed = SeededGenerator.drawnSeed
    print("seed \(seed)")
    let random = Mutex(SeededGenerator(seed: seed))
    @Sendable func draw(_ range: Range<Int>) -> Int { random.withLock { Int.random(in: range, using: &$0) } }
    let clock = WorkerClock.continuous
    let deadLetters = InMemoryQueue("events-dlq", clock: clock)
    let queue = InMemoryQueue("events", redrive: .init(to: deadLetters, maxReceiveCount: 3), clock: clock)
    let handler = ClosureHandler { (_: Greeting, context) in
      for _ in 0..<draw(0..<5) { await Task.yield() }
      switch draw(0..<6) {
      case 0: throw EventError(.conflict, "permanent")
      case 1: throw EventError(.network, "transient")
      case 2: throw Surprise()
      case 3: throw CancellationError()
      default: break
      }
    }
    var configuration = QueueConsumer.Configuration()
    configuration.stopsWhenEmpty = true
    configuration.concurrency = 7
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
          backoff: Backoff(base: .milliseconds(1), factor: 1, max: .milliseconds(1), jitter: .none))
      ]), configuration: configuration, clock: clock, random: { 0 }, logger: quietLogger)
    let bodies = [ConsumerHarness.greeting, "{", #"{"eventType":"OTHER"}"#]
    for number in 0..<2000 {
      queue.put(OutgoingMessage(body: bodies[number % 10 == 0 ? draw(0..<3) : 0]))
    }
    try await consumer.run()
    #expect(consumer.inFlight.deliveries.isEmpty, "seed \(seed)")
    #expect(queue.messages.isEmpty, "seed \(seed)")
    let outcomes = consumer.outcomeCounts.outcomes
    #expect((outcomes["handled"] ?? 0) >= 1 && deadLetters.messages.count >= 1, "seed \(seed): \(outcomes)")
  }
}
