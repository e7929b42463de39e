public import Foundation
public import Logging
import WorkerLocks

/// The properties of the message that an event arrived in.
///
/// Copy-on-write; one reference wide.
public struct HandlerContext: Sendable {
  private var storage: Storage

  /// The route's name: the event's `eventType`.
  public var eventType: String {
    get { storage.values.eventType }
    set { change { $0.eventType = newValue } }
  }

  /// The queue's name: the last part of its URL.
  public var queue: String {
    get { storage.values.queue }
    set { change { $0.queue = newValue } }
  }

  /// The id that SQS assigned to this message.
  public var messageID: String {
    get { storage.values.messageID }
    set { change { $0.messageID = newValue } }
  }

  /// The id of the event's first message. Dead-lettering by the worker and redrive preserve it.
  public var originalMessageID: String {
    get { storage.values.originalMessageID }
    set { change { $0.originalMessageID = newValue } }
  }

  /// The identity of the event: the same for every delivery of one event, and different for every other event of this
  /// ``eventType``.
  ///
  /// It is derived from the producer's `IdempotencyKey` message attribute or, if there is none, from
  /// ``originalMessageID``. A prefix states the source, so that keys of different sources never collide.
  ///
  /// | `IdempotencyKey` | key |
  /// |---|---|
  /// | type `String` or `Number`: `win-1` | `producer:win-1` |
  /// | type `Binary`: the bytes 00 FF | `producer-binary:AP8=` |
  /// | longer than 256 bytes | `producer-sha256:` or `producer-binary-sha256:`, and the SHA-256 in hexadecimal digits |
  /// | none | `message:`, and the id of the event's first message |
  ///
  /// A key has at most 360 bytes. Keys are compared byte by byte: a `Number` 42 and a `String` 42 are the same key; 42
  /// and 42.0 are different keys. The FIFO deduplication id is not used, because SQS remembers it for five minutes
  /// only.
  public var idempotencyKey: String {
    get { storage.values.idempotencyKey }
    set { change { $0.idempotencyKey = newValue } }
  }

  /// How often the message was received, including this delivery: 1 on the first delivery.
  public var receiveCount: Int {
    get { storage.values.receiveCount }
    set { change { $0.receiveCount = newValue } }
  }

  /// When the producer sent the message, by SQS's clock.
  public var sentAt: Date? {
    get { storage.values.sentAt }
    set { change { $0.sentAt = newValue } }
  }

  /// The message attributes, by name.
  public var attributes: [String: MessageAttribute] {
    get { storage.values.attributes }
    set { change { $0.attributes = newValue } }
  }

  /// The X-Ray trace header; nil if the producer sent none.
  public var traceHeader: String? {
    get { storage.values.traceHeader }
    set { change { $0.traceHeader = newValue } }
  }

  /// A logger with the message's id, route and attempt as metadata.
  public var logger: Logger {
    get { storage.values.logger ?? storage.original.messageLogger }
    set { change { $0.logger = newValue } }
  }

  /// Whether ``logger`` writes lines of this level.
  func logs(_ level: Logger.Level) -> Bool {
    (storage.values.logger ?? storage.values.consumerLogger).logLevel <= level
  }

  /// Reports that the event was already handled by an earlier delivery, and that this call changed nothing.
  ///
  /// Call it from a handler that records each ``idempotencyKey``, and then return. `worker dev` shows the report. It
  /// does not affect the outcome.
  public func reportAlreadyHandled() {
    storage.original.wasAlreadyHandled.withLock { $0 = true }
  }

  /// Whether the handler called ``reportAlreadyHandled()``, with this value or with a changed copy.
  package var wasAlreadyHandled: Bool { storage.original.wasAlreadyHandled.withLock { $0 } }

  /// When the handling started, by the consumer's clock.
  var start: Duration { storage.values.start }

  /// When the route's timeout ends, by the local clock; nil if there is no timeout, for example in a unit test of a
  /// handler.
  public var deadline: Date? {
    storage.timeout.withLock { $0?.timeLeft }.map { Date().addingTimeInterval($0.inSeconds) }
  }

  /// Runs `wait` with the route's timeout paused. Use it to wait for a resource that other events hold:
  ///
  ///     let seat = try await context.withoutTimeout { try await seats.take() }
  ///
  /// The timeout limits the work for this event and excludes the time spent behind other events. The wait is still
  /// cancelled if the message's lease is lost, and at the shutdown deadline.
  public func withoutTimeout<Result: Sendable>(_ wait: () async throws -> Result) async rethrows -> Result {
    let timeout = storage.timeout.withLock { $0 }
    timeout?.pause()
    defer { timeout?.resume() }
    return try await wait()
  }

  /// Sets the timeout of the running handler; nil after the handler has ended.
  func setTimeout(_ timeout: (any PausableTimeout)?) {
    storage.timeout.withLock { $0 = timeout }
  }

  /// Runs code that blocks its thread, such as a synchronous driver or `sleep`, on a separate thread.
  ///
  ///     let rows = try await context.runBlocking { try driver.query("SELECT …") }
  ///
  /// Handlers share Swift's cooperative thread pool, which has one thread for each core. A handler that blocks one of
  /// these threads delays other handlers; if handlers block all of them, nothing runs. `runBlocking` uses a separate
  /// pool with a limit for each process, `threads: { blocking: 64 }` in `routes.yaml`. Calls over the limit wait for a
  /// free thread.
  ///
  /// - Returns: The result of `body`.
  /// - Throws: The error of `body`; `CancellationError` if the handler is cancelled before a thread is free. Once
  ///   `body` has started, it cannot be stopped, and the call waits for it.
  public func runBlocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await storage.values.blockingThreads.run(body)
  }

  /// Creates a context for a test of a handler. In production the worker creates it.
  ///
  /// - Parameters:
  ///   - eventType: The route's name.
  ///   - queue: The queue's name.
  ///   - messageID: The id of the message.
  ///   - originalMessageID: The id of the event's first message. The default is `messageID`.
  ///   - idempotencyKey: The identity of the event. The default is `message:` and the original message's id.
  ///   - receiveCount: How often the message was received; 1 for a first delivery.
  ///   - sentAt: When the producer sent the message.
  ///   - attributes: The message attributes, by name.
  ///   - traceHeader: The X-Ray trace header.
  ///   - logger: The handler's logger.
  public init(
    eventType: String,
    queue: String = "",
    messageID: String,
    originalMessageID: String? = nil,
    idempotencyKey: String? = nil,
    receiveCount: Int = 1,
    sentAt: Date? = nil,
    attributes: [String: MessageAttribute] = [:],
    traceHeader: String? = nil,
    logger: Logger
  ) {
    self.init(
      eventType: eventType, queue: queue, messageID: messageID, originalMessageID: originalMessageID ?? messageID,
      idempotencyKey: idempotencyKey ?? "message:\(originalMessageID ?? messageID)", receiveCount: receiveCount,
      sentAt: sentAt, attributes: attributes, traceHeader: traceHeader, consumerLogger: logger,
      logger: logger, blockingThreads: .standard, start: .zero)
  }

  /// Creates a context with the values that only the consumer sets.
  ///
  /// - Parameter logger: The handler's logger; nil for one of `consumerLogger` that names the message.
  init(
    eventType: String, queue: String, messageID: String, originalMessageID: String, idempotencyKey: String,
    receiveCount: Int, sentAt: Date?, attributes: [String: MessageAttribute], traceHeader: String?,
    consumerLogger: Logger, logger: Logger? = nil, blockingThreads: BlockingThreads, start: Duration
  ) {
    storage = Storage(
      Values(
        eventType: eventType, queue: queue, messageID: messageID, originalMessageID: originalMessageID,
        idempotencyKey: idempotencyKey, receiveCount: receiveCount, sentAt: sentAt, attributes: attributes,
        traceHeader: traceHeader, consumerLogger: consumerLogger, logger: logger, blockingThreads: blockingThreads,
        start: start))
  }

  private struct Values {
    var eventType: String
    var queue: String
    var messageID: String
    var originalMessageID: String
    var idempotencyKey: String
    var receiveCount: Int
    var sentAt: Date?
    var attributes: [String: MessageAttribute]
    var traceHeader: String?
    var consumerLogger: Logger
    /// Nil for ``Storage/messageLogger``.
    var logger: Logger?
    var blockingThreads: BlockingThreads
    var start: Duration
  }

  private final class Storage: Sendable {
    let values: Values
    /// The timeout of the running handler.
    let timeout = Mutex<(any PausableTimeout)?>(nil)
    let wasAlreadyHandled = Mutex(false)
    /// Of a changed copy: the one that was copied first.
    private let copied: Storage?

    init(_ values: Values, copyOf copied: Storage? = nil) {
      self.values = values
      self.copied = copied?.original
    }

    var original: Storage { copied ?? self }

    /// The consumer's logger, naming the message. It is made when it is asked for: of most messages nothing is logged.
    var messageLogger: Logger {
      var logger = values.consumerLogger
      logger.handler = MessageLogHandler(
        base: logger.handler, messageID: values.messageID, route: values.eventType, attempt: values.receiveCount)
      return logger
    }
  }

  private mutating func change(_ body: (inout Values) -> Void) {
    var values = storage.values
    body(&values)
    let timeout = storage.timeout.withLock { $0 }
    storage = Storage(values, copyOf: storage)
    if let timeout { setTimeout(timeout) }
  }
}

/// A timeout that can be paused.
protocol PausableTimeout: Sendable {
  var timeLeft: Duration { get }
  func pause()
  func resume()
}
