public import Foundation
import Logging

/// The logging configuration of a process.
public struct LogSetup: Sendable {
  /// The format of log lines.
  public enum Format: String, Sendable, CaseIterable {
    /// Text on a terminal, JSON otherwise.
    case auto
    /// Text for people.
    case text
    /// A JSON object on each line.
    case json
  }

  /// The format of log lines.
  public var format: Format
  /// The log levels.
  public var levels: LogLevels

  /// Creates a configuration.
  public init(format: Format = .auto, levels: LogLevels) {
    self.format = format
    self.levels = levels
  }

  /// Installs the log handler, which writes to standard error. Call this once in a process.
  public func bootstrap(environment: [String: String] = ProcessInfo.processInfo.environment) {
    // A closed pipe must not end the process.
    signal(SIGPIPE, SIG_IGN)
    let format = format(isTerminal: isatty(STDERR_FILENO) == 1, environment: environment)
    LogOutput.standardError.reportLosses { sentence in
      format.line(
        LogEntry(time: Date().timeIntervalSince1970, level: .warning, label: "worker.log", message: sentence))
    }
    LogOutput.flushAtExit()
    LoggingSystem.bootstrap(
      { [levels] label, provider in
        FormattedLogHandler(
          label: label, level: levels[label], format: format, output: .standardError, metadataProvider: provider)
      }, metadataProvider: .trace)
  }

  /// The format. Text is colored on terminals that support it, unless the user has disabled colors:
  /// https://no-color.org.
  package func format(isTerminal: Bool, environment: [String: String]) -> any LogFormat {
    guard format == .text || (format == .auto && isTerminal) else { return JSONFormat() }
    let isPlain = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    return ConsoleFormat(isColoured: isTerminal && !isPlain && environment["TERM"] != "dumb")
  }
}
