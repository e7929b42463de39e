import Logging

/// One line for each message: handled at info, failed at warning. Bodies, and what came in a bad field, stay out.
///
/// Of many failures that are alike, a few are shown and the rest counted; at debug, each is shown.
final class LoggingMiddleware: Middleware {
  private let clock: WorkerClock
  private let failures = Locked(FoldedFailures())

  init(clock: WorkerClock) {
    self.clock = clock
  }

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    context.logger.debug("message received")
    do {
      try await next(context)
      context.logger.info("event handled", metadata: ["duration": "\(duration(of: context))"])
    } catch {
      if let failure = error as? Failure { report(failure, in: context) }
      throw error
    }
  }

  private func report(_ failure: Failure, in context: HandlerContext) {
    let logger = context.logger
    var metadata: Logger.Metadata = [
      "kind": "\(failure.kind)", "error": "\(failure.message)", "duration": "\(duration(of: context))",
    ]
    metadata["field"] = failure.field.map { "\($0)" }
    metadata["thrownAt"] = failure.location.map { "\($0)" }
    if !failure.causes.isEmpty { metadata["causes"] = .array(failure.causes.map { "\($0)" }) }
    let level = level(of: failure, in: context)
    switch failure.settlement {
    case .retry(let delay):
      metadata["retryAfter"] = "\(delay.brief)"
      logger.log(
        level: level, "event failed; it comes back after a while, unless the queue's redrive policy takes it",
        metadata: metadata)
    case .deadLetter:
      logger.log(level: level, "event failed, and another try cannot help", metadata: metadata)
    case .leave:
      logger.log(level: level, "event was left on the queue", metadata: metadata)
    }
  }

  private func level(of failure: Failure, in context: HandlerContext) -> Logger.Level {
    let cause = FoldedFailures.Cause(route: context.eventType, kind: failure.kind, message: failure.message)
    let now = clock.now
    return failures.withLock { $0.add(cause, at: now) } ? .warning : .debug
  }

  /// Says how many failures were not shown, where their time is over.
  ///
  /// - Parameter isLast: Nothing comes after this, so those whose time is not over are said too.
  func sayHowManyMore(_ logger: Logger, isLast: Bool = false) {
    let now = isLast ? clock.now + FoldedFailures.window : clock.now
    for summary in failures.withLock({ $0.takeFinished(at: now) }) {
      logger.warning(
        "more events failed like this",
        metadata: [
          "route": "\(summary.cause.route)", "count": "\(summary.count)", "within": "\(summary.span.brief)",
          "kind": "\(summary.cause.kind)",
          "error": "\(summary.cause.message)",
        ])
    }
  }

  private func duration(of context: HandlerContext) -> String {
    (clock.now - context.start).brief
  }
}
