import Logging

/// What the log says of exports: when they begin to fail, when the cause changes and when they work again, and that spans
/// were dropped, a minute apart at least. Not every failure, for a collector may be away for days.
struct ExportLog {
  private static let interval = Duration.seconds(60)

  let logger: Logger
  private var cause: String?
  /// Since exports began to fail.
  private var lost = 0
  /// Because the queue was full, and not yet logged.
  private var dropped = 0
  private var lastReport: Duration?

  init(logger: Logger) {
    self.logger = logger
  }

  mutating func fail(_ cause: String, lost count: Int) {
    lost += count
    guard self.cause != cause else { return }
    self.cause = cause
    logger.warning("traces cannot be exported; messages are handled all the same", metadata: ["error": "\(cause)"])
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

  /// - Parameter left: How many there was no time for any more.
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
      "spans were dropped: they end faster than they are exported; OTEL_TRACES_SAMPLER can take a share of them",
      metadata: ["spans": "\(dropped)"])
    dropped = 0
  }
}
