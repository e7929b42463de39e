import TestSupport
import WorkerTesting

@testable import WorkerKit

/// The dependency of a plugin.
final class Plant: Sendable {
  let isDown = AsyncValue(false)
  let seesOutage = AsyncValue(true)
  let failures = AsyncValue(0)
  let checks = AsyncValue(0)
  private let poison: Set<String>
  private let kind: ErrorKind
  private let busy: Busy?

  /// One that is asked to wait, the first time.
  struct Busy {
    let name: String
    /// Before which it does not end.
    let gate = Gate()
    let retryAfter: Duration
    let begun = AsyncValue(0)

    func isFirst() -> Bool {
      begun.update { count in
        count += 1
        return count == 1
      }
    }
  }

  /// - Parameter poison: The names that it fails for.
  init(poison: String..., kind: ErrorKind = .unavailable, busy: Busy? = nil) {
    self.poison = Set(poison)
    self.kind = kind
    self.busy = busy
  }

  func work(_ name: String) async throws {
    if let busy, busy.name == name, busy.isFirst() {
      try await busy.gate.pass()
      throw EventError(.throttled, "the plant is busy", retryAfter: busy.retryAfter)
    }
    guard !isDown.value, !poison.contains(name) else {
      failures.update { $0 += 1 }
      throw EventError(kind, "the plant is down")
    }
  }

  func check() throws {
    checks.update { $0 += 1 }
    if isDown.value, seesOutage.value { throw EventError(.unavailable, "the plant is down") }
  }
}

/// A consumer with two slots, a route whose plugin has a circuit breaker, and a route without one.
struct BreakerHarness {
  static let greeting = greeting("Ada")

  static func greeting(_ name: String) -> String { #"{"eventType":"GREETED","name":"\#(name)","times":1}"# }

  let clock = ManualClock()
  let queue: InMemoryQueue
  let deadLetters: InMemoryQueue
  let consumer: QueueConsumer

  init(_ plant: Plant, hasCheck: Bool = true, hasOtherRoute: Bool = true) {
    let workerClock = WorkerClock(clock)
    deadLetters = InMemoryQueue("events-dlq", clock: workerClock)
    queue = InMemoryQueue("events", redrive: .init(to: deadLetters, maxReceiveCount: 3), clock: workerClock)
    var configuration = QueueConsumer.Configuration()
    configuration.concurrency = 2
    configuration.settlementWindow = .zero
    configuration.receiveWindow = .zero
    configuration.waitTime = .seconds(20)
    configuration.receiveGrace = .zero
    let backoff = Backoff(base: .seconds(2), factor: 1, max: .seconds(2), jitter: .none)
    var check: (@Sendable () async throws -> Void)?
    if hasCheck { check = { try plant.check() } }
    let guarded = Route(
      eventType: "GREETED", handlerName: "plant.greet",
      boundHandler: BoundHandler(ClosureHandler { (event: Greeting, _) in try await plant.work(event.name) }),
      errorPolicy: .standard, backoff: backoff, timeout: .seconds(20),
      breaker: CircuitBreaker(pluginName: "plant", check: check))
    let other = Route(
      eventType: "PARTED", handlerName: "other.part", handler: ClosureHandler { (_: Greeting, _) in }, backoff: backoff)
    consumer = QueueConsumer(
      queue: queue, table: RoutingTable(routes: hasOtherRoute ? [guarded, other] : [guarded]),
      configuration: configuration, clock: workerClock, random: { 0.5 }, logger: quietLogger)
  }

  func run(_ body: () async throws -> Void) async throws {
    try await consumer.run(on: clock, while: body)
  }

  /// Advances the time.
  func pass(_ duration: Duration) async throws {
    let end = clock.now.advanced(by: duration)
    while clock.now < end { try await turn() }
  }

  func pass(until outcome: String, is count: Int) async throws {
    try await pass { consumer.outcomeCounts.outcomes[outcome, default: 0] >= count }
  }

  func pass(until isMet: () -> Bool) async throws {
    while !isMet() { try await turn() }
  }

  private func turn() async throws {
    try await clock.step(consumer)
  }
}
