import Logging

/// A run of receives that failed: logged when it begins, when its cause changes and when it ends, not at every try.
struct ReceiveFailures {
  private static let backoff = Backoff(base: .milliseconds(500), factor: 2, max: .seconds(20), jitter: .none)

  private var count = 0
  private var cause: String?
  private var start: Duration?

  /// - Returns: how long to wait before the next try.
  mutating func add(_ error: any Error, at now: Duration, _ logger: Logger) -> Duration {
    let error = QueueError(wrapping: error)
    count += 1
    start = start ?? now
    if cause != error.code.rawValue {
      cause = error.code.rawValue
      logger.error("receiving fails; it is tried again until it succeeds", metadata: ["error": "\(error)"])
    }
    return Self.backoff.delay(afterAttempt: count, random: 1)
  }

  /// For how long there has been nothing else.
  func duration(until now: Duration) -> Duration { now - (start ?? now) }

  mutating func end(_ logger: Logger) {
    guard cause != nil else { return }
    logger.notice("receiving works again", metadata: ["failedTries": "\(count)"])
    self = ReceiveFailures()
  }
}
