package import Logging

/// A log entry before formatting, with the metadata of all its sources.
package struct LogEntry: Sendable {
  /// Seconds since 1970.
  package var time: Double
  package var level: Logger.Level
  /// The logger's label.
  package var label: String
  package var message: String
  package var metadata: Logger.Metadata
  /// The position in the source code, for failures and debugging lines only.
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

  /// Creates an entry.
  ///
  /// - Parameters:
  ///   - context: The logger's metadata.
  ///   - provided: The metadata of the task. The event's own metadata takes precedence over both.
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

/// A format of log entries: one line for each, without the line end.
package protocol LogFormat: Sendable {
  func line(_ entry: LogEntry) -> String
}
