import Logging

/// Logs the state of exports: the first failure, a change of the cause, the recovery and dropped spans; drops at most
/// once a minute. It does not log every failure, because a collector may be unavailable for days.
struct ExportLog {
  private static let interval = Duration.seconds(60)

  let logger: Logger
  private var cause: String?
  /// The spans lost since exports started to fail.
  private var lost = 0
  /// The spans dropped by a full queue since the last report.
  private var dropped = 0
  private var lastReport: Duration?

  init(logger: Logger) {
    self.logger = logger
  }

  mutating func fail(_ cause: String, lost count: Int) {
    lost += count
    guard self.cause != cause else { return }
    self.cause = cause
    logger.warning("traces cannot be exported; messages are still handled", metadata: ["error": "\(cause)"])
  }

  mutating func succeed() {
    guard cause != nil else { return }
    logger.notice("traces are exported again", metadata: ["lostSpans": "\(lost)"])
    cause = nil
    lost = 0
  }

  mutating func add(dropped count: Int, at now: Duration) {
    dropped += count
    guard dropped > 0, lastReport.map({ now - $0 >= Self.interval }) ?? true else { return }
    reportDropped()
    lastReport = now
  }

  /// Logs the final numbers.
  ///
  /// - Parameter left: The number of spans that could not be sent in time.
  mutating func close(dropped count: Int, lost left: Int) {
    dropped += count
    lost += left
    if dropped > 0 { reportDropped() }
    if lost > 0 {
      logger.warning("the last traces could not be exported", metadata: ["lostSpans": "\(lost)"])
    }
  }

  private mutating func reportDropped() {
    logger.warning(
      "spans were dropped because they end faster than they are exported; sample them with OTEL_TRACES_SAMPLER",
      metadata: ["spans": "\(dropped)"])
    dropped = 0
  }
}
