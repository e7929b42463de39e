import Foundation
package import Logging

/// A log handler that writes entries in a format.
package struct FormattedLogHandler: LogHandler {
  package let label: String
  package var logLevel: Logger.Level
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?

  private let format: any LogFormat
  private let output: LogOutput

  package init(
    label: String, level: Logger.Level, format: any LogFormat, output: LogOutput,
    metadataProvider: Logger.MetadataProvider? = nil
  ) {
    self.label = label
    logLevel = level
    self.format = format
    self.output = output
    self.metadataProvider = metadataProvider
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    output.write(
      format.line(
        LogEntry(
          event, label: label, context: metadata, provided: metadataProvider?.get() ?? [:],
          time: Date().timeIntervalSince1970)))
  }
}
