public import Tracing

/// Handles several events of one route in one call, for example in one transaction or one request.
///
/// Use it if events arrive faster than a handler can process them one at a time. Register and route it like any other
/// ``EventHandler``.
///
///     struct GuildJoinedHandler: BatchEventHandler {
///       func handle(_ batch: [EventDelivery<GuildJoined>]) async throws -> [Result<Void, any Error>] {
///         try await roster.transaction { roster in
///           batch.map { delivery in
///             // A savepoint for each, so that one that fails undoes its own work alone.
///             Result { try roster.savepoint { try roster.add(delivery.event.guildId, key: delivery.context.idempotencyKey) } }
///           }
///         }
///       }
///     }
///
/// The handler returns one outcome for each event, in order. Each outcome has the same effect as for an
/// ``EventHandler``: success deletes the message; for an error, its ``ErrorKind`` and the route's policy decide. An
/// error that the handler throws is the outcome of every event in the batch. Return success only after the commit.
///
/// The worker does not wait for a batch to fill. If no call is running for the route, an event is handed over at once,
/// in a batch of one. Events that arrive during a call form the next batch, up to ``batchLimit``. A route has one call
/// at a time, and a batch cannot be larger than the number of messages in flight: raise the queue's `concurrency` to
/// allow larger batches. A call that hangs blocks its route, so check for cancellation.
///
/// Each message keeps its own decoding, middleware, timeout, lease, span and settlement. An event that is cancelled
/// before its call starts is not handed over. An event that is cancelled later gets the outcome of its call. The call
/// is cancelled once all of its events are cancelled.
public protocol BatchEventHandler<Event>: EventHandler {
  // Redeclared so that the compiler infers `Event` from the type of a batch.
  /// The type that the JSON body of each message is decoded to.
  associatedtype Event

  /// The maximum number of events in one call, at least 1. The default is 100.
  var batchLimit: Int { get }

  /// Handles a batch of events.
  ///
  /// - Parameter batch: 1 to ``batchLimit`` events of one route, in the order of arrival. A batch can contain two
  ///   deliveries of the same event.
  /// - Returns: One outcome for each event, in order. If the count differs, every event fails with
  ///   ``ErrorKind/unexpected``.
  /// - Throws: The outcome of every event in the batch.
  func handle(_ batch: [EventDelivery<Event>]) async throws -> [Result<Void, any Error>]
}

/// An event of a batch, with the context of its message.
public struct EventDelivery<Event: Sendable>: Sendable {
  /// The decoded event.
  public var event: Event
  /// The properties of the message.
  public var context: HandlerContext
  /// The event's own trace context. Use it for spans and log lines that concern only this event.
  ///
  /// In a batch of one, the batch's spans belong to the event's trace. In a larger batch they form a trace of their
  /// own, which links to the trace of each event.
  public var traceContext: ServiceContext

  /// Creates a delivery.
  ///
  /// - Parameters:
  ///   - event: The decoded event.
  ///   - context: The properties of the message.
  ///   - traceContext: The event's own trace context. The default is the current task's.
  public init(_ event: Event, context: HandlerContext, traceContext: ServiceContext = .current ?? .topLevel) {
    self.event = event
    self.context = context
    self.traceContext = traceContext
  }
}

extension BatchEventHandler {
  public var batchLimit: Int { 100 }

  /// Handles a batch of one.
  public func handle(_ event: Event, context: HandlerContext) async throws {
    try await outcomes(of: [EventDelivery(event, context: context)])[0].get()
  }

  /// Calls the handler and verifies that it returns one outcome for each event.
  package func outcomes(of batch: [EventDelivery<Event>]) async throws -> [Result<Void, any Error>] {
    let outcomes = try await handle(batch)
    guard outcomes.count == batch.count else {
      throw EventError(
        .unexpected,
        "\(String(reflecting: Self.self)) returned \(outcomes.count) outcomes for a batch of \(batch.count) events; "
          + "make it return one for each, in order")
    }
    return outcomes
  }
}
