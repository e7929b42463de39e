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
      span.setOutcome("owned")
      logger.info("prize is owned", metadata: metadata())
    case .now(.pending):
      span.setOutcome("pending")
      logger.info("prize waits until the account is linked", metadata: metadata())
    case .alreadyHandled:
      reportAlreadyHandled(in: span)
    }
  }

  func reportAlreadyHandled(in span: any Span) {
    span.setOutcome("alreadyHandled")
    logger.info("event was already handled")
    reportAlreadyHandled()
  }
}

extension Span {
  /// Says what became of an event, where anyone will read it.
  func setOutcome(_ outcome: String) {
    guard isRecording else { return }
    attributes["prize.outcome"] = outcome
  }
}
