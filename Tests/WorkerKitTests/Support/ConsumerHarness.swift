import Logging
import ServiceLifecycle
import WorkerTesting

@testable import WorkerKit

/// A consumer on a queue in memory, with a clock that the test turns.
struct ConsumerHarness {
  let clock = ManualClock()
  let queue: InMemoryQueue
  let deadLetters: InMemoryQueue
  let consumer: QueueConsumer

  /// - Parameter configure: Changes what the test is about; everything else is plain.
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
  /// A test that is cancelled, at its time limit, ends: time passes by itself then, for a shutdown waits for its end
  /// whether cancelled or not.
  ///
  /// - Parameter gate: Where handlers wait that ignore their cancellation; it is opened then.
  func run(opening gate: Gate? = nil, _ body: () async throws -> Void) async throws {
    try await withTaskCancellationHandler {
      try await consumer.run(while: body)
    } onCancel: {
      gate?.open()
      Task { while (try? await clock.advanceToNextSleeper()) != nil {} }
    }
  }

  /// Turns the hands from one sleeper's time to the next, until a condition holds. Leases that are due
  /// are renewed before the hands move on.
  func passTime(until isMet: () -> Bool) async throws {
    while !isMet() {
      try await clock.advanceToNextSleeper()
      try await consumer.untilLeasesAreRenewed()
    }
  }

  /// Waits until a message has been settled in some way.
  func untilSettled(_ outcome: String, count: Int = 1) async throws {
    try await consumer.tally.wait { $0[outcome, default: 0] >= count }
  }
}

extension QueueConsumer {
  /// Runs while the body runs; then it is shut down, and its end waited for.
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

  /// Waits until no lease in hand is due, with ten seconds left.
  func untilLeasesAreRenewed() async throws {
    try await yieldUntil { inFlight.deliveries.allSatisfy { $0.leaseEnd > clock.now + .seconds(10) } }
  }
}

/// Lets others go on until a condition holds that nobody signals.
///
/// - Throws: `CancellationError`.
func yieldUntil(_ isMet: () async throws -> Bool) async throws {
  while try await !isMet() {
    try Task.checkCancellation()
    await Task.yield()
  }
}

/// A gate that a handler waits at until the test opens it.
final class Gate: Sendable {
  private let state = Watched((arrived: 0, isOpen: false))

  func pass() async throws {
    state.update { $0.arrived += 1 }
    try await state.wait { $0.isOpen }
  }

  /// Passes whether cancelled or not.
  func passStubbornly() async {
    await shieldedFromCancellation { try? await self.pass() }
  }

  func untilArrived(_ count: Int = 1) async throws {
    try await state.wait { $0.arrived >= count }
  }

  func open() {
    state.update { $0.isOpen = true }
  }

  func close() {
    state.update { $0.isOpen = false }
  }
}

/// What happened, in order.
final class Record<Element: Sendable>: Sendable {
  private let elements = Watched<[Element]>([])

  func add(_ element: Element) {
    elements.update { $0.append(element) }
  }

  var all: [Element] { elements.value }

  func untilCount(_ count: Int) async throws {
    try await elements.wait { $0.count >= count }
  }
}
