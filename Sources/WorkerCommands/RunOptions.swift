import ArgumentParser
import Logging
import WorkerKit

/// What every command that runs consumers takes.
struct RunOptions: ParsableArguments {
  @Flag(help: "Stop by itself when the queues hold nothing any more: nothing visible, in flight or delayed.")
  var untilEmpty = false

  @Option(
    help: ArgumentHelp("How long a stop waits for handlers: 500ms, 30s, 5m. (default: 30s)", valueName: "duration"),
    transform: readDuration)
  var shutdownDeadline = Duration.seconds(30)

  @Option(
    help: ArgumentHelp(
      "How much to log: trace, debug, info, notice, warning, error or critical. (default: info; of dev: error)",
      valueName: "level"),
    transform: readLogLevel)
  var logLevel: Logger.Level?

  /// Sets logging up, and makes the command's logger.
  func makeLogger(level: Logger.Level) -> Logger {
    LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
    var logger = Logger(label: "worker")
    logger.logLevel = logLevel ?? level
    return logger
  }
}

func readDuration(_ text: String) throws -> Duration {
  guard let duration = Duration(configurationText: text) else {
    throw ValidationError("`\(text)` is not \(Duration.configurationDescription)")
  }
  return duration
}

private func readLogLevel(_ text: String) throws -> Logger.Level {
  guard let level = Logger.Level(rawValue: text.lowercased()) else {
    throw ValidationError(
      "`\(text)` is no log level; valid: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
  }
  return level
}
