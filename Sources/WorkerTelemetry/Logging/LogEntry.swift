package import Logging

/// One line of a log before it is written: everything that was said, from whatever place.
package struct LogEntry: Sendable {
  /// In seconds since 1970.
  package var time: Double
  package var level: Logger.Level
  /// The logger's.
  package var label: String
  package var message: String
  package var metadata: Logger.Metadata
  /// Where in the source the line comes from; of failures and of what developers look for alone.
  package var source: String?

  package init(
    time: Double, level: Logger.Level, label: String, message: String, metadata: Logger.Metadata = [:],
    source: String? = nil
  ) {
    self.time = time
    self.level = level
    self.label = label
    self.message = message
    self.metadata = metadata
    self.source = source
  }

  /// - Parameters:
  ///   - context: The logger's metadata.
  ///   - provided: The task's; what the event itself says comes before both.
  init(_ event: LogEvent, label: String, context: Logger.Metadata, provided: Logger.Metadata, time: Double) {
    self.init(
      time: time, level: event.level, label: label, message: "\(event.message)", metadata: context,
      source: [.info, .notice].contains(event.level) ? nil : "\(event.file):\(event.line)")
    metadata.merge(provided) { $1 }
    metadata.merge(event.metadata ?? [:]) { $1 }
    if let error = event.error, metadata["error"] == nil {
      metadata["error"] = "\(error)"
    }
  }
}

/// How an entry is written: one line, without its end.
package protocol LogFormat: Sendable {
  func line(_ entry: LogEntry) -> String
}
