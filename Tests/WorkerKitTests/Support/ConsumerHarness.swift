import Logging
import ServiceLifecycle
import TestSupport
import WorkerTesting

@testable import WorkerKit

/// A consumer on a queue in memory, with a clock that the test advances.
struct ConsumerHarness {
  let clock = ManualClock()
  let queue: InMemoryQueue
  let deadLetters: InMemoryQueue
  let consumer: QueueConsumer

  /// - Parameter configure: Changes the settings that the test concerns; all others have plain values.
  init(
    queueName: String = "events",
    handler: some EventHandler,
    timeout: Duration = .seconds(20),
    backoff: Backoff = Backoff(base: .seconds(2), factor: 2, max: .seconds(900), jitter: .none),
    errorPolicy: ErrorPolicy = .standard,
    unrouted: Unrouted = .deadLetter,
    onStuckHandlers: (@Sendable () -> Void)? = nil,
    configure: (inout QueueConsumer.Configuration) -> Void = { _ in }
  ) {
    let workerClock = WorkerClock(clock)
    deadLetters = InMemoryQueue(queueName.replacing("events", with: "events-dlq"), clock: workerClock)
    queue = InMemoryQueue(queueName, redrive: .init(to: deadLetters, maxReceiveCount: 3), clock: workerClock)
    var configuration = QueueConsumer.Configuration()
    configuration.settlementWindow = .zero
    configuration.receiveWindow = .zero
    configuration.waitTime = .seconds(20)
    configuration.receiveGrace = .zero
    configure(&configuration)
    let route = Route(
      eventType: "GREETED", handlerName: "greetings.hello", handler: handler, errorPolicy: errorPolicy,
      backoff: backoff, timeout: timeout)
    consumer = QueueConsumer(
      queue: queue, table: RoutingTable(routes: [route], unrouted: unrouted), configuration: configuration,
      clock: workerClock, random: { 0.5 }, logger: quietLogger, onStuckHandlers: onStuckHandlers)
  }

  static let greeting = #"{"eventType":"GREETED","name":"Ada","times":1}"#

  /// Runs the consumer while the body runs, then shuts it down and waits for its end.
  ///
  /// If a test is cancelled at its time limit, it ends: the time then advances by itself, because a shutdown waits for
  /// its end even if it is cancelled.
  ///
  /// - Parameter gate: The gate of handlers that ignore their cancellation. It is opened at the end.
  func run(opening gate: Gate? = nil, _ body: () async throws -> Void) async throws {
    try await withTaskCancellationHandler {
      try await consumer.run(while: body)
    } onCancel: {
      gate?.open()
      Task { while (try? await clock.advanceToNextSleeper()) != nil {} }
    }
  }

  /// Advances the clock from one sleeper's time to the next until a condition holds. Leases that are due are renewed
  /// before the time advances.
  func passTime(until isMet: () -> Bool) async throws {
    while !isMet() {
      try await clock.advanceToNextSleeper()
      try await consumer.untilLeasesAreRenewed(on: clock)
    }
  }

  /// Waits until a message has been settled.
  func untilSettled(_ outcome: String, count: Int = 1) async throws {
    try await consumer.outcomeCounts.wait { $0[outcome, default: 0] >= count }
  }
}

extension QueueConsumer {
  /// Runs the consumer while the body runs; then shuts it down, and waits for its end.
  func run(while body: () async throws -> Void) async throws {
    let group = ServiceGroup(
      configuration: .init(services: [.init(service: self)], logger: quietLogger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await body()
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  /// The same, but the time advances by itself during the shutdown.
  func run(on clock: ManualClock, while body: () async throws -> Void) async throws {
    let isOver = AsyncValue(false)
    let hasEnded = AsyncValue(false)
    async let turning: Void? = try? {
      try await isOver.wait { $0 }
      while !hasEnded.value { try await clock.step(nil) }
    }()
    try await run {
      try await body()
      isOver.update { $0 = true }
    }
    hasEnded.update { $0 = true }
    await turning
  }

  /// Waits until no lease is due, with ten seconds left, and somebody wakes up by the next timer: a renewal's, for example.
  /// Time that is advanced earlier could pass over it.
  func untilLeasesAreRenewed(on manualClock: ManualClock) async throws {
    try await yieldUntil {
      inFlight.deliveries.allSatisfy { $0.leaseEnd > clock.now + .seconds(10) }
        && deadlines.next.map { manualClock.hasSleeper(until: $0) } ?? true
    }
  }
}

extension ManualClock {
  /// Advances the clock by a second, after all consequences of the last step have run on the worker's thread and on the
  /// pool, and after the consumer's leases were renewed.
  func step(_ consumer: QueueConsumer?) async throws {
    for _ in 1...12 {
      await Task(executorPreference: WorkerThread.shared) {}.value
      await Task.yield()
    }
    try await consumer?.untilLeasesAreRenewed(on: self)
    try Task.checkCancellation()
    advance(by: .seconds(1))
  }
}
