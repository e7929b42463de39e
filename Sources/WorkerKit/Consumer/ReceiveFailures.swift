import Logging

/// A run of receives that failed: logged when it begins, when its cause changes and when it ends, not at every try.
struct ReceiveFailures {
  private static let backoff = Backoff(base: .milliseconds(500), factor: 2, max: .seconds(20), jitter: .none)

  private var count = 0
  private var cause: String?
  /// When the first of them was.
  private(set) var start: Duration?
  /// The last error, in words; nil where there is none.
  private(set) var description: String?

  /// - Returns: how long to wait before the next try.
  mutating func add(_ error: any Error, at now: Duration, _ logger: Logger) -> Duration {
    let error = QueueError(wrapping: error)
    count += 1
    start = start ?? now
    description = "\(error)"
    if cause != error.code.rawValue {
      cause = error.code.rawValue
      logger.error("receives fail; the worker retries until they succeed", metadata: ["error": "\(error)"])
    }
    return Self.backoff.delay(afterAttempt: count, random: 1)
  }

  /// How long receives have failed without a success.
  func duration(until now: Duration) -> Duration { now - (start ?? now) }

  mutating func end(_ logger: Logger) {
    guard cause != nil else { return }
    logger.notice("receives succeed again", metadata: ["failedTries": "\(count)"])
    self = ReceiveFailures()
  }
}
