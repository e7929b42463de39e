/// Surrounds the handling of every message, whichever route it takes and also when none does.
///
///     struct SlowEventAlarm: Middleware {
///       func handle(_ context: HandlerContext, next: Next) async throws {
///         let elapsed = try await ContinuousClock().measure { try await next(context) }
///         if elapsed > .seconds(5) { context.logger.warning("slow event") }
///       }
///     }
///
/// Returning means handled. What `next` throws is a ``Failure``, already classified by the route's policy, or a
/// `CancellationError` when the worker stops. A middleware that throws an error of its own has it classified likewise.
public protocol Middleware: Sendable {
  typealias Next = @Sendable (HandlerContext) async throws -> Void

  func handle(_ context: HandlerContext, next: @escaping Next) async throws
}
