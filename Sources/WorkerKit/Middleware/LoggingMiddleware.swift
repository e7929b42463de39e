import Foundation
import Logging

/// One line for each message: handled at info, failed at warning. Bodies, and what came in a bad field, stay out.
struct LoggingMiddleware: Middleware {
  let clock: WorkerClock

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    let logger = context.logger
    logger.debug("message received")
    let start = clock.now
    do {
      try await next(context)
      logger.info("event handled", metadata: ["duration": "\(seconds(since: start))"])
    } catch let failure as Failure {
      var metadata: Logger.Metadata = [
        "kind": "\(failure.kind)", "error": "\(failure.message)", "duration": "\(seconds(since: start))",
      ]
      metadata["field"] = failure.field.map { "\($0)" }
      switch failure.settlement {
      case .retry(let delay):
        metadata["retryAfter"] = "\(rounded(delay))"
        logger.warning(
          "event failed; it comes back after a while, unless the queue's redrive policy takes it", metadata: metadata)
      case .deadLetter:
        logger.warning("event failed, and another try cannot help", metadata: metadata)
      case .leave:
        logger.warning("event was left on the queue", metadata: metadata)
      }
      throw failure
    }
  }

  private func seconds(since start: Duration) -> String {
    rounded(clock.now - start)
  }

  private func rounded(_ duration: Duration) -> String {
    duration.formatted(.units(allowed: [.minutes, .seconds, .milliseconds], fractionalPart: .show(length: 1)))
  }
}
