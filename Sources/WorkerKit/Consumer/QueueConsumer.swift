public import Logging
public import ServiceLifecycle
import Tracing

/// Receives a queue's messages and hands each to the handler that the routing table names.
///
/// Runs as a service. A graceful shutdown stops receiving at once, lets what is in hand finish until
/// ``Configuration/shutdownDeadline``, and gives the rest back.
public struct QueueConsumer: Service {
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
    /// How long a settlement waits for others to share its call.
    public var settlementWindow = Duration.milliseconds(10)
    /// Returns as soon as the queue holds nothing, instead of waiting for more. Then a queue that cannot be received from
    /// for two minutes is an error, and not waited for.
    public var stopsWhenEmpty = false
    public var middleware: [any Middleware] = []
    public var tracing = TracingConfiguration()
    /// How long after it was sent a receive may still be answered once a shutdown has begun.
    var receiveGrace = Duration.milliseconds(500)

    public init() {}
  }

  private static let patienceWhenEmptying = Duration.seconds(120)

  /// What became of the messages so far.
  public let tally = Tally()

  let queue: any MessageQueue
  let configuration: Configuration
  let clock: WorkerClock
  let logger: Logger
  let inFlight: InFlight
  let progress: ConsumerProgress
  let metrics: ConsumerMetrics
  private let logging: LoggingMiddleware
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
    let settler = Settler(queue: queue, clock: clock, logger: logger, window: configuration.settlementWindow)
    self.queue = queue
    self.configuration = configuration
    self.clock = clock
    self.logger = logger
    self.settler = settler
    self.onStuckHandlers = onStuckHandlers
    self.table = table
    let logging = LoggingMiddleware(clock: clock)
    self.logging = logging
    inFlight = InFlight(capacity: configuration.concurrency)
    progress = ConsumerProgress(clock: clock)
    let metrics = ConsumerMetrics(queue: queue.name)
    self.metrics = metrics
    processor = Processor(
      queue: queue.name, table: table,
      middleware: [
        // The outermost, so that what the others log carries the trace's id.
        TracingMiddleware(configuration: configuration.tracing), logging, MetricsMiddleware(clock: clock),
      ] + configuration.middleware,
      clock: clock, random: random, logger: logger)
    lease = Lease(visibilityTimeout: configuration.visibilityTimeout, clock: clock) { delivery, timeout in
      let outcome = await settler.extend(delivery, by: timeout)
      if case .success = outcome { metrics.noteExtension() }
      return outcome
    }
  }

  /// The loop. One message's walk:
  ///
  /// 1. wait for an open intake gate and for free slots, and receive no more messages than there are;
  /// 2. start a child task for each, which keeps the message's lease while
  /// 3. the processor takes it through its route, and says what becomes of it;
  /// 4. settle it, once, unless the lease was lost;
  /// 5. free its slot.
  ///
  /// - Throws: a ``QueueError`` when the queue or the credentials do not exist at the start. Later failures are waited
  ///   out, unless it is to stop when the queue is empty.
  public func run() async throws {
    defer { progress.enter(.stopped) }
    do {
      try await cancelWhenGracefulShutdown { try await checkQueue() }
    } catch is CancellationError {
      return
    }
    for gate in table.allGates { gate.record() }
    let failure = await withDiscardingTaskGroup(returning: (any Error)?.self) { group in
      var failures = ReceiveFailures()
      var failure: (any Error)?
      // Counts are approximate, and a message may be between two of them: one look is not enough.
      var emptyLooks = 0
      while !Task.isShuttingDownGracefully, !Task.isCancelled {
        do {
          let free = try await cancelWhenGracefulShutdown {
            try await untilIntakeIsOpen()
            progress.enter(.waitingForSlots)
            return try await inFlight.reserveSlots(receiveLimit)
          }
          // The slots may be those of messages that have just been parked.
          guard free > 0, isIntakeOpen else {
            inFlight.fill([])
            continue
          }
          progress.enter(.receiving)
          let deliveries = try await unlessShuttingDown { try await receive(free) }
          failures.end(logger)
          progress.noteReceive()
          logging.sayHowManyMore(logger)
          for delivery in deliveries {
            group.addTask { await handle(delivery) }
          }
          if configuration.stopsWhenEmpty {
            emptyLooks = try await isEmpty(after: deliveries) ? emptyLooks + 1 : 0
            if emptyLooks == 2 { break }
          }
        } catch is CancellationError {
          inFlight.fill([])
          break
        } catch {
          inFlight.fill([])
          metrics.noteReceiveFailure(error)
          let delay = failures.add(error, at: clock.now, logger)
          progress.enter(.failing("\(QueueError(wrapping: error))"))
          if configuration.stopsWhenEmpty, failures.duration(until: clock.now) >= Self.patienceWhenEmptying {
            failure = error
            break
          }
          try? await cancelWhenGracefulShutdown { try await clock.sleep(for: delay) }
        }
      }
      progress.enter(.draining)
      await drain(cancelHandlers: group.cancelAll)
      return failure
    }
    logging.sayHowManyMore(logger, isLast: true)
    logger.info("consumer stopped")
    if let failure { throw failure }
  }

  private func isEmpty(after deliveries: [Delivery]) async throws -> Bool {
    guard deliveries.isEmpty else { return false }
    return try await queue.attributes().isEmpty
  }

  /// Step 1. Everything received is in flight when this returns.
  private func receive(_ free: Int) async throws -> [Delivery] {
    let messages = try await queue.receive(
      maxMessages: free,
      waitTime: configuration.stopsWhenEmpty ? min(configuration.waitTime, .seconds(1)) : configuration.waitTime,
      visibilityTimeout: configuration.visibilityTimeout)
    metrics.noteReceive(messages)
    let receivedAt = clock.now
    let places = queue.isFIFO ? GroupPlace.places(for: messages) : messages.map { _ in nil }
    let deliveries = zip(messages, places).map { message, place in
      Delivery(
        message: message, receivedAt: receivedAt, visibilityTimeout: configuration.visibilityTimeout, place: place)
    }
    inFlight.fill(deliveries)
    metrics.noteSlots(inFlight)
    return deliveries
  }

  /// Steps 2 to 5.
  private func handle(_ delivery: Delivery) async {
    defer {
      inFlight.remove(delivery)
      metrics.noteSlots(inFlight)
      // Where nothing has let the next of its group go by now, it stays, and is first when it comes again.
      delivery.place?.leave(isGone: false)
    }
    let match = processor.match(delivery.message)
    delivery.route = match.label
    guard let settlement = await lease.holding(delivery, { await processInTurn(delivery, match) }) else {
      logger.warning(
        "lease lost: the message may be with another worker, so its outcome here does not count",
        metadata: delivery.metadata)
      metrics.noteLoss(route: match.label)
      tally.add("lost")
      return
    }
    guard delivery.claim(.settled) else { return }
    // What is said and sent because of a failure belongs to the trace in which it failed.
    let outcome = await ServiceContext.withValue(settlement.failure?.traceContext ?? .topLevel) {
      await settler.settle(delivery, settlement)
    }
    if case .deadLetter = settlement {
      progress.canDeadLetter = outcome.isDeadLetter
      delivery.place?.leave(isGone: outcome.isDeadLetter)
    }
    metrics.noteSettlement(outcome, of: delivery.message, route: match.label)
    tally.add(outcome.name)
  }
}
