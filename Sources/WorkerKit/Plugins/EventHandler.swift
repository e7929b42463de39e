/// Handles the events of a route.
///
///     struct GuildJoinedHandler: EventHandler {
///       func handle(_ event: GuildJoined, context: HandlerContext) async throws {
///         try await roster.add(event.guildId, key: context.idempotencyKey)
///       }
///     }
///
/// Returning means done: the message is deleted. Throwing means not done: the error's ``ErrorKind`` and the route's
/// policy decide between another try and the dead-letter queue. A queue delivers a message *at least* once, so the
/// same event can come again; record ``HandlerContext/idempotencyKey`` in the transaction that does the work.
///
/// `Event` is decoded from the message's JSON body. Validate in its `init(from:)`, or with types that can hold only
/// what is valid: what decoding throws becomes an ``ErrorKind/validation`` error that names the field, what was
/// expected and what came.
///
/// A handler is called concurrently from many tasks, and is cancelled when its route's timeout or its lease ends.
public protocol EventHandler<Event>: Sendable {
  associatedtype Event: Decodable & Sendable

  func handle(_ event: Event, context: HandlerContext) async throws
}
