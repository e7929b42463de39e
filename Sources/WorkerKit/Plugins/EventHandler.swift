/// Handles the events of a route.
///
///     struct GuildJoinedHandler: EventHandler {
///       func handle(_ event: GuildJoined, context: HandlerContext) async throws {
///         try await roster.add(event.guildId, key: context.idempotencyKey)
///       }
///     }
///
/// If the handler returns, the event is handled and the message is deleted. If it throws, the error's ``ErrorKind`` and
/// the route's policy decide between a retry and the dead-letter queue. A queue delivers a message *at least* once, so
/// the handler can receive the same event again: record ``HandlerContext/idempotencyKey`` in the transaction that does
/// the work.
///
/// `Event` is decoded from the message's JSON body. Validate in its `init(from:)`, or use types that can hold only
/// valid values. An error that decoding throws becomes an ``ErrorKind/validation`` error with the field, the expected
/// value and the received value.
///
/// The worker calls a handler concurrently from many tasks. It cancels a call when the route's timeout or the message's
/// lease ends.
public protocol EventHandler<Event>: Sendable {
  /// The type that the message's JSON body is decoded to.
  associatedtype Event: Decodable & Sendable

  /// Handles one event. If the method returns, the message is deleted.
  ///
  /// - Parameters:
  ///   - event: The decoded event, validated by its type.
  ///   - context: The properties of the message.
  /// - Throws: Why the event was not handled, as an ``EventError`` or any ``ClassifiedError``. An error of another type
  ///   counts as ``ErrorKind/unexpected``.
  func handle(_ event: Event, context: HandlerContext) async throws
}
