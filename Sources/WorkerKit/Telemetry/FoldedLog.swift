import Logging
import WorkerLocks

/// Logs lines that many messages can cause: a few of the similar lines, and the number of the others. At log level
/// debug, every line is logged.
final class FoldedLog: Sendable {
  private let clock: WorkerClock
  private let lines = Mutex(FoldedLines())

  init(clock: WorkerClock) {
    self.clock = clock
  }

  /// Logs a line, at debug if enough similar lines were shown.
  ///
  /// - Parameters:
  ///   - text: The log message, a static string.
  ///   - route: The label of the message's route; nil if no route matched.
  ///   - kind: The error kind.
  ///   - detail: The error.
  func log(
    _ logger: Logger, _ level: Logger.Level, _ text: String, _ metadata: Logger.Metadata, route: String?,
    kind: String? = nil, detail: String = "", file: String = #fileID, function: String = #function,
    line: UInt = #line
  ) {
    let compared = FoldedLines.Line(text: text, route: route ?? "", kind: kind, detail: detail)
    let now = clock.now
    let isShown = lines.withLock { $0.add(compared, at: now) }
    logger.log(
      level: isShown ? level : .debug, "\(text)", metadata: metadata, file: file, function: function, line: line)
  }

  /// Reports the number of lines that were not shown in windows that have ended.
  ///
  /// - Parameter isLast: Whether to report windows that have not ended as well, because no call follows.
  func reportFolded(_ logger: Logger, isLast: Bool = false) {
    let now = isLast ? clock.now + FoldedLines.window : clock.now
    for summary in lines.withLock({ $0.takeFinished(at: now) }) {
      var metadata: Logger.Metadata = ["count": "\(summary.count)", "within": "\(summary.span.brief)"]
      guard let line = summary.line else {
        logger.warning("more lines were not shown, of too many kinds to count each", metadata: metadata)
        continue
      }
      metadata["route"] = "\(line.route)"
      if !line.detail.isEmpty { metadata["error"] = "\(line.detail)" }
      if let kind = line.kind {
        metadata["kind"] = "\(kind)"
        logger.warning("more events failed in the same way", metadata: metadata)
      } else {
        metadata["line"] = "\(line.text)"
        logger.notice("more lines like this were not shown", metadata: metadata)
      }
    }
  }
}
