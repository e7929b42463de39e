public import Foundation
import Logging

/// How a process logs.
public struct LogSetup: Sendable {
  public enum Format: String, Sendable, CaseIterable {
    /// Text on a terminal, JSON elsewhere.
    case auto
    case text
    case json
  }

  public var format: Format
  public var levels: LogLevels

  public init(format: Format = .auto, levels: LogLevels) {
    self.format = format
    self.levels = levels
  }

  /// Sends everything that is logged from now on to standard error. Once in a process.
  public func bootstrap(environment: [String: String] = ProcessInfo.processInfo.environment) {
    // A reader that has gone away is no reason to end.
    signal(SIGPIPE, SIG_IGN)
    let format = format(isTerminal: isatty(STDERR_FILENO) == 1, environment: environment)
    LoggingSystem.bootstrap(
      { [levels] label, provider in
        FormattedLogHandler(
          label: label, level: levels[label], format: format, output: .standardError, metadataProvider: provider)
      }, metadataProvider: .trace)
  }

  /// Colours are for terminals that have them and people who want them: https://no-color.org.
  package func format(isTerminal: Bool, environment: [String: String]) -> any LogFormat {
    guard format == .text || (format == .auto && isTerminal) else { return JSONFormat() }
    let isPlain = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    return ConsoleFormat(isColoured: isTerminal && !isPlain && environment["TERM"] != "dumb")
  }
}
