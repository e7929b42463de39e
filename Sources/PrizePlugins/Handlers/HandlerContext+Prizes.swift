import Logging
import Tracing
import WorkerKit

extension HandlerContext {
  /// Identifies the event to the store.
  var eventKey: EventKey { EventKey(eventType: eventType, key: idempotencyKey) }

  /// Says in the span and the log what became of an award.
  func report(_ outcome: Handled<Holder>, in span: any Span, metadata: @autoclosure () -> Logger.Metadata) {
    switch outcome {
    case .now(.owned):
      span.attributes["prize.outcome"] = "owned"
      logger.info("prize is owned", metadata: metadata())
    case .now(.pending):
      span.attributes["prize.outcome"] = "pending"
      logger.info("prize waits until the account is linked", metadata: metadata())
    case .alreadyHandled:
      reportAlreadyHandled(in: span)
    }
  }

  func reportAlreadyHandled(in span: any Span) {
    span.attributes["prize.outcome"] = "alreadyHandled"
    logger.info("event was already handled")
  }
}
