public import Tracing

/// Handles events of a route together where they come faster than one at a time: many in one transaction, or in one
/// request. An optional power of an ``EventHandler``; it is registered and routed like any other.
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
/// It returns one outcome for each event, in order, and each means what it means for an ``EventHandler``: the message is
/// deleted, or the error's kind and the route's policy decide. What it throws is the outcome of every event. An outcome of
/// success must be final: return only after the commit.
///
/// Nobody waits for a batch to fill. An event that finds no call under way is handed over at once, alone; those that come
/// meanwhile make the next batch, up to ``batchLimit``. There is one call at a time for each route, and no batch is larger
/// than what is in flight: raise the queue's `concurrency` to let batches grow. A call that hangs holds up its route, so heed
/// the cancellation.
///
/// Decoding, middleware, timeout, lease, span and settlement stay each message's own. An event that is cancelled before
/// its call begins is not handed over; one that is cancelled later gets the outcome that its call has. The call itself is
/// cancelled when all of its events are.
public protocol BatchEventHandler<Event>: EventHandler {
  // Declared again so that it is inferred from the events of a batch.
  associatedtype Event

  /// How many events are handed over together at most; at least 1. 100 by default.
  var batchLimit: Int { get }

  /// - Parameter batch: From 1 to ``batchLimit`` events of one route, in the order in which they came. Two of them can
  ///   be deliveries of the same event.
  /// - Returns: one outcome for each, in order. With any other number of them all fail as ``ErrorKind/unexpected``.
  func handle(_ batch: [EventDelivery<Event>]) async throws -> [Result<Void, any Error>]
}

/// An event of a batch, with what is known about the message that it came in.
public struct EventDelivery<Event: Sendable>: Sendable {
  public var event: Event
  public var context: HandlerContext
  /// The event's own trace: make spans and write log lines that are about this event alone in it. The batch's own spans
  /// are in a trace of their own with a link to each event's, or in the event's where there is but one.
  public var traceContext: ServiceContext

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

  /// What the handler returns, if that is one outcome for each.
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
