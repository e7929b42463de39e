/// Wraps the handling of every message, including messages that no route matches.
///
///     struct SlowEventAlarm: EventMiddleware {
///       func handle(_ context: HandlerContext, next: Next) async throws {
///         let elapsed = try await ContinuousClock().measure { try await next(context) }
///         if elapsed > .seconds(5) { context.logger.warning("slow event") }
///       }
///     }
///
/// Returning means that the message is handled. `next` throws a ``HandlingFailure``, already classified by the route's
/// policy, or `CancellationError` if the worker stops. An error that the middleware itself throws is classified in the
/// same way.
public protocol EventMiddleware: Sendable {
  /// Calls the next middleware or, after the last one, the handler.
  typealias Next = @Sendable (HandlerContext) async throws -> Void

  /// Handles a message: calls `next` once, or throws.
  ///
  /// - Parameters:
  ///   - context: The properties of the message. Pass `next` the same value or a changed copy.
  ///   - next: The rest of the handling.
  /// - Throws: Why the message was not handled.
  func handle(_ context: HandlerContext, next: @escaping Next) async throws
}
