public import Logging
public import ServiceLifecycle
import Tracing

/// Receives a queue's messages and hands each to the handler that the routing table names.
///
/// Runs as a service. A graceful shutdown stops receiving at once, lets what is in hand finish until
/// ``Configuration/shutdownDeadline``, and gives the rest back.
public final class QueueConsumer: Service {
  public struct Configuration: Sendable {
    /// How many messages are handled at once.
    public var concurrency = 16
    /// How many messages one receive asks for: 1 to 10.
    public var maxMessages = 5
    public var waitTime = Duration.seconds(5)
    /// How long a message is invisible to others; extended while its handler runs.
    public var visibilityTimeout = Duration.seconds(30)
    /// Where the queue's own redrive policy cannot be read.
    public var maxReceiveCount = 3
    /// How long a shutdown waits for handlers before it cancels them.
    public var shutdownDeadline = Duration.seconds(30)
    /// How long a settlement waits for others to share its call, and a receive for more free slots when it has some.
    public var settlementWindow = Duration.milliseconds(10)
    /// Returns as soon as the queue holds nothing, instead of waiting for more. Then a queue that cannot be received from,
    /// or whose counts cannot be read, for two minutes is an error, and not waited for.
    public var stopsWhenEmpty = false
    public var middleware: [any Middleware] = []
    public var tracing = TracingConfiguration()
    /// How long after it was sent a receive may still be answered once a shutdown has begun.
    var receiveGrace = Duration.milliseconds(500)

    public init() {}
  }

  /// What became of the messages so far.
  public let tally = Tally()

  let queue: any MessageQueue
  let configuration: Configuration
  let clock: WorkerClock
  let deadlines: Deadlines
  let logger: Logger
  let inFlight: InFlight
  let progress: ConsumerProgress
  let metrics: ConsumerMetrics
  let logging: LoggingMiddleware
  package let processor: Processor
  let table: RoutingTable
  private let lease: Lease
  package let settler: Settler
  /// Called when the shutdown has given back messages whose handlers ignore their cancellation.
  let onStuckHandlers: (@Sendable () -> Void)?

  /// - Parameters:
  ///   - queue: What to receive from.
  ///   - table: Which handler takes which event.
  ///   - clock: For leases, timeouts and backoff.
  ///   - random: Draws from 0 up to 1, for jitter.
  ///   - onStuckHandlers: Handlers that ignore their cancellation keep ``run()`` from returning. After their messages
  ///     were given back, this is called, so that a process can exit all the same.
  public init(
    queue: any MessageQueue,
    table: RoutingTable,
    configuration: Configuration = Configuration(),
    clock: WorkerClock = .continuous,
    random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
    logger: Logger,
    onStuckHandlers: (@Sendable () -> Void)? = nil
  ) {
    var logger = logger
    logger[metadataKey: "queue"] = "\(queue.name)"
    let deadlines = Deadlines(clock: clock)
    let settler = Settler(
      queue: queue, clock: clock, deadlines: deadlines, logger: logger, window: configuration.settlementWindow)
    self.queue = queue
    self.configuration = configuration
    self.clock = clock
    self.deadlines = deadlines
    self.logger = logger
    self.settler = settler
    self.onStuckHandlers = onStuckHandlers
    self.table = table
    let logging = LoggingMiddleware(clock: clock)
    self.logging = logging
    inFlight = InFlight(capacity: configuration.concurrency, deadlines: deadlines)
    progress = ConsumerProgress(clock: clock)
    let metrics = ConsumerMetrics(queue: queue.name)
    self.metrics = metrics
    processor = Processor(
      queue: queue.name, table: table,
      middleware: [
        // The outermost, so that what the others log carries the trace's id.
        TracingMiddleware(configuration: configuration.tracing), logging, MetricsMiddleware(clock: clock),
      ] + configuration.middleware,
      clock: clock, deadlines: deadlines, random: random, logger: logger)
    lease = Lease(visibilityTimeout: configuration.visibilityTimeout, clock: clock, deadlines: deadlines) {
      delivery, timeout in
      let outcome = await settler.extend(delivery, by: timeout)
      if case .success = outcome { metrics.noteExtension() }
      return outcome
    }
  }

  /// One message's walk:
  ///
  /// 1. the loop waits for an open intake gate and for free slots, and receives no more messages than there are;
  /// 2. each is handled in a task of its own, which keeps the message's lease while
  /// 3. the processor takes it through its route, and says what becomes of it;
  /// 4. it is settled, once, unless the lease was lost;
  /// 5. its slot is free.
  ///
  /// - Throws: a ``QueueError`` when the queue or the credentials do not exist at the start. Later failures are waited
  ///   out, unless it is to stop when the queue is empty.
  public func run() async throws {
    defer { progress.enter(.stopped) }
    do {
      try await cancelWhenGracefulShutdown { try await self.checkQueue() }
    } catch is CancellationError {
      return
    }
    for gate in table.allGates { gate.record() }
    let failure = await deadlines.watching {
      let failure = await receiveUntilShutdown()
      progress.enter(.draining)
      await drain()
      return failure
    }
    logging.sayHowManyMore(logger, isLast: true)
    logger.info("consumer stopped")
    if let failure { throw failure }
  }

  /// The loop: step 1. Several receives may be under way; they end with it.
  ///
  /// - Returns: why it cannot go on; nil for a shutdown, or where the queue is empty and that was waited for.
  private func receiveUntilShutdown() async -> (any Error)? {
    let receiver = Receiver(consumer: self)
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { receives in
        while !Task.isCancelled {
          do {
            try await self.untilIntakeIsOpen()
            if self.inFlight.receives == 0 { self.progress.enter(.waitingForSlots) }
            let patience = self.configuration.settlementWindow
            guard let slots = try await self.inFlight.reserveSlots(self.receiveLimit, patience: patience) else {
              return
            }
            // The slots may be those of messages that have just been parked.
            guard slots > 0, self.isIntakeOpen else {
              self.inFlight.giveBack(slots)
              continue
            }
            receives.addTask { await receiver.receive(slots) }
          } catch {
            return
          }
        }
      }
    }
    return receiver.failure
  }

  /// Steps 2 to 5.
  func handle(_ delivery: Delivery, hasSlot: Bool) async {
    defer {
      inFlight.remove(delivery)
      metrics.noteSlots(inFlight)
      // Where nothing has let the next of its group go by now, it stays, and is first when it comes again.
      delivery.place?.leave(isGone: false)
    }
    let match = processor.match(delivery.message)
    delivery.route = match.label
    let held = await lease.holding(delivery) { () -> Settlement in
      if !hasSlot {
        guard await takesSlot(delivery) else { return .release }
      }
      return await processInTurn(delivery, match)
    }
    guard let settlement = held else {
      logger.warning(
        "lease lost: the message may be with another worker, so its outcome here does not count",
        metadata: delivery.metadata)
      metrics.noteLoss(route: match.label)
      tally.add("lost")
      return
    }
    guard delivery.claim(.settled) else { return }
    let outcome = await settle(delivery, settlement)
    if case .deadLetter = settlement {
      progress.canDeadLetter = outcome.isDeadLetter
      delivery.place?.leave(isGone: outcome.isDeadLetter)
    }
    metrics.noteSettlement(outcome, of: delivery.message, route: match.label)
    tally.add(outcome.name)
  }

  private func settle(_ delivery: Delivery, _ settlement: Settlement) async -> Settlement {
    guard let failure = settlement.failure else { return await settler.settle(delivery, settlement) }
    // What is said and sent because of a failure belongs to the trace in which it failed.
    return await ServiceContext.withValue(failure.traceContext ?? .topLevel) {
      await settler.settle(delivery, settlement)
    }
  }
}
