import Logging

/// Logs one line for each message: at info if it was handled, at warning if it failed. The lines contain neither bodies
/// nor the received value of an invalid field.
struct HandlingLog {
  let clock: WorkerClock
  let log: FoldedLog

  func reportReceipt(in context: HandlerContext) {
    if context.logs(.debug) { context.logger.debug("message received") }
  }

  func reportSuccess(in context: HandlerContext) {
    guard context.logs(.info) else { return }
    context.logger.info("event handled", metadata: ["duration": "\(duration(of: context))"])
  }

  func report(_ error: any Error, in context: HandlerContext) {
    guard let failure = error as? HandlingFailure else { return }
    let logger = context.logger
    var metadata: Logger.Metadata = [
      "kind": "\(failure.kind)", "error": "\(failure.message)", "duration": "\(duration(of: context))",
    ]
    metadata["field"] = failure.field.map { "\($0)" }
    metadata["thrownAt"] = failure.location.map { "\($0)" }
    if !failure.causes.isEmpty { metadata["causes"] = .array(failure.causes.map { "\($0)" }) }
    let text: String
    switch failure.settlement {
    case .retry(let delay):
      metadata["retryAfter"] = "\(delay.brief)"
      text = "event failed; it is retried after a backoff, unless the queue's redrive policy dead-letters it"
    case .deadLetter where failure.isExhausted:
      text = "event failed at its last receive; it is dead-lettered unless its plugin is down"
    case .deadLetter: text = "event failed; a retry cannot help"
    case .leave: text = "event was left on the queue"
    }
    log.log(
      logger, .warning, text, metadata, route: context.eventType, kind: failure.kind.rawValue, detail: failure.message)
  }

  private func duration(of context: HandlerContext) -> String {
    (clock.now - context.start).brief
  }
}
