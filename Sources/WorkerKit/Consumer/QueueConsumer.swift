public import Logging
public import ServiceLifecycle
import Tracing

/// Receives a queue's messages and hands each to the handler that the routing table names.
///
/// Runs as a service, on a thread of its own that no handler can take. A graceful shutdown begins no more receives, waits
/// for those under way, lets what is in flight finish until ``Configuration/shutdownDeadline``, and gives the rest back.
public final class QueueConsumer: Service {
  /// How a consumer receives, handles and stops. The defaults are those of `routes.yaml`.
  public struct Configuration: Sendable {
    /// How many messages are handled at once.
    public var concurrency = 32
    /// How many times ``concurrency`` messages may be received before a slot is free for them, at most; 0 for none. They
    /// are as many as the handlers take up while a receive is under way: see `Prefetch`.
    public var prefetchMultiplier = 2
    /// How many messages one receive asks for: 1 to 10.
    public var maxMessages = 5
    /// How long a receive waits for a message: whole seconds, 20 at most.
    public var waitTime = Duration.seconds(5)
    /// How long a message is invisible to others; extended while its handler runs.
    public var visibilityTimeout = Duration.seconds(30)
    /// Where the queue's own redrive policy cannot be read.
    public var maxReceiveCount = 3
    /// How long a shutdown waits for handlers before it cancels them. Receives under way come first, and take
    /// ``waitTime`` at most.
    public var shutdownDeadline = Duration.seconds(30)
    /// How long a deletion waits for others to share its call; no longer than ``receiveWindow`` on a FIFO queue, where
    /// the next of the group waits for it.
    public var settlementWindow = Duration.milliseconds(100)
    /// How long a receive waits for more free slots when there is one, and a change of a visibility for others.
    public var receiveWindow = Duration.milliseconds(10)
    /// Returns as soon as the queue holds nothing, instead of waiting for more. Then a queue that cannot be received from,
    /// or whose counts cannot be read, for two minutes is an error, and not waited for.
    public var stopsWhenEmpty = false
    /// What surrounds the handling of every message, the outermost first.
    public var middleware: [any EventMiddleware] = []
    /// What is told of the handling of every message.
    package var observers: [any HandlingObserver] = []
    /// How spans are named, and how they hang together.
    public var tracing = TracingConfiguration()
    /// How long receives may take that are under way when a shutdown begins; nil for ``waitTime`` and two seconds.
    var receiveGrace: Duration?
    /// Where ``HandlerContext/runBlocking(_:)`` runs its code.
    package var blockingThreads = BlockingThreads.standard

    /// The defaults.
    public init() {}
  }

  /// What became of the messages so far.
  public let outcomeCounts = OutcomeCounts()

  let queue: any MessageQueue
  let configuration: Configuration
  let clock: WorkerClock
  let deadlines: TimerQueue
  let logger: Logger
  let inFlight: InFlight
  let progress: ConsumerProgress
  let metrics: ConsumerMetrics
  let log: FoldedLog
  package let processor: Processor
  let table: RoutingTable
  let lease: Lease
  /// Whether what waits in flight is given back: once a stop has begun, and no receive is under way that might bring it again.
  let givesBack = AsyncValue(false)
  package let settler: Settler
  /// Called when the shutdown has given back messages whose handlers ignore their cancellation.
  let onStuckHandlers: (@Sendable () -> Void)?

  /// - Parameters:
  ///   - queue: What to receive from.
  ///   - table: Which handler takes which event.
  ///   - configuration: How to receive, handle and stop.
  ///   - clock: For leases, timeouts and backoff.
  ///   - random: Draws from 0 up to 1, for jitter.
  ///   - logger: What the consumer and, with the message's id and route, its handlers log to.
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
    let deadlines = TimerQueue(clock: clock)
    let log = FoldedLog(clock: clock)
    let settler = Settler(
      queue: queue, clock: clock, deadlines: deadlines, logger: logger, log: log,
      deletionWindow: queue.isFIFO
        ? min(configuration.settlementWindow, configuration.receiveWindow) : configuration.settlementWindow,
      visibilityWindow: configuration.receiveWindow)
    self.queue = queue
    self.configuration = configuration
    self.clock = clock
    self.deadlines = deadlines
    self.logger = logger
    self.settler = settler
    self.onStuckHandlers = onStuckHandlers
    self.table = table
    self.log = log
    inFlight = InFlight(
      capacity: configuration.concurrency, prefetchMultiplier: configuration.prefetchMultiplier,
      receiveSize: min(configuration.maxMessages, 10), clock: clock, deadlines: deadlines)
    let progress = ConsumerProgress(clock: clock)
    self.progress = progress
    let metrics = ConsumerMetrics(queue: queue.name)
    self.metrics = metrics
    processor = Processor(
      queue: queue.name, table: table,
      middleware: [
        Instrumentation(tracing: configuration.tracing, observers: configuration.observers, clock: clock, log: log)
      ] + configuration.middleware,
      clock: clock, deadlines: deadlines, blockingThreads: configuration.blockingThreads, random: random,
      redriveLimit: { progress.knownRedriveLimit }, logger: logger)
    lease = Lease(visibilityTimeout: configuration.visibilityTimeout, clock: clock, deadlines: deadlines) {
      delivery, timeout, completion in
      settler.extend(delivery, by: timeout) { outcome in
        if case .success = outcome { metrics.recordExtension() }
        completion(outcome)
      }
    }
  }

  /// Receives, and takes each message through its life, which `MessagePipeline.swift` shows, until a graceful shutdown.
  ///
  /// - Throws: a ``QueueError`` when the queue or the credentials do not exist at the start. Later failures are waited
  ///   out, unless it is to stop when the queue is empty.
  public func run() async throws {
    try await withTaskExecutorPreference(WorkerThread.shared) {
      defer { progress.phase = .stopped }
      do {
        try await cancelWhenGracefulShutdown { try await self.checkQueue() }
      } catch is CancellationError {
        return
      }
      for breaker in table.breakers { breaker.record() }
      for limit in table.limits { limit.record() }
      progress.phase = .running
      let failure = await deadlines.watching {
        await withDiscardingTaskGroup { watchers in
          for breaker in table.breakers {
            watchers.addTask {
              await breaker.watch(clock: self.clock, logger: self.logger, onChange: self.inFlight.reconsiderReceives)
            }
          }
          watchers.addTask { await self.watchRedrivePolicy() }
          let failure = await receiveUntilShutdown()
          await drain()
          watchers.cancelAll()
          return failure
        }
      }
      log.reportFolded(logger, isLast: true)
      logger.info("consumer stopped")
      if let failure { throw failure }
    }
  }

  /// The loop. Several receives may be under way. When a shutdown begins they are waited for: what the queue hands
  /// out for one that is cut would stay invisible for its whole timeout, and have lost a receive.
  ///
  /// - Returns: why it cannot go on; nil for a shutdown, or where the queue is empty and that was waited for.
  private func receiveUntilShutdown() async -> (any Error)? {
    let receiver = Receiver(consumer: self)
    await withGracefulShutdownHandler {
      await withDiscardingTaskGroup { receives in
        let patience = configuration.receiveWindow
        // Nil when a shutdown has begun; it throws where the task is cancelled.
        while let slots = try? await inFlight.reserveSlots(
          self.receiveLimit, patience: patience, intake: { self.intake })
        {
          receives.addTask { await receiver.receive(slots) }
        }
        progress.phase = .draining
        let limit = configuration.receiveGrace ?? configuration.waitTime + Self.answerGrace
        _ = await clock.isMet(within: limit) { try await self.inFlight.untilReceivesEnd() }
        receives.cancelAll()
      }
      givesBack.update { $0 = true }
    } onGracefulShutdown: {
      self.inFlight.close()
    }
    return receiver.failure
  }

  /// Begins no more receives, and returns from ``run()`` when what is in flight is finished, as a graceful shutdown does.
  package func stop() {
    inFlight.close()
  }

  /// How long after its wait time a receive may be answered once a shutdown has begun.
  private static let answerGrace = Duration.seconds(2)

  /// Begins the handling of deliveries that have a slot: each in a task of its own on Swift's pool, for it runs a plugin's code.
  /// What a task leads to ends with ``InFlight/remove(_:)``, for which the consumer waits.
  func begin(_ deliveries: [Delivery]) {
    for delivery in deliveries { delivery.keep(Task { await self.handle(delivery) }) }
  }
}
