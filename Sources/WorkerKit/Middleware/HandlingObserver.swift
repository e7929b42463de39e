/// Is told of every message's handling, after all middleware.
///
/// It has no frame in a message's task, and costs a message nothing but its call.
package protocol HandlingObserver: Sendable {
  /// Records how one attempt to handle a message ended. Called with the message's span as the current one.
  ///
  /// - Parameters:
  ///   - context: The properties of the message.
  ///   - error: A ``HandlingFailure``; another error if the worker stops or the lease was lost; nil if the message was handled.
  ///   - duration: How long the attempt took.
  ///   - now: When it ended, by the consumer's clock.
  func recordHandling(of context: HandlerContext, _ error: (any Error)?, duration: Duration, at now: Duration)
}
