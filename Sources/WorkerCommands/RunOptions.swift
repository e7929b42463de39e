import ArgumentParser
import Logging
import WorkerKit
import WorkerTelemetry

/// The options of all commands that run consumers.
struct RunOptions: ParsableArguments {
  @Flag(
    help:
      """
      Stop by itself when the queues hold nothing any more: nothing visible, in flight or delayed. One that cannot be reached \
      for two minutes is a failure. Events of a plugin that is down are waited for, until it is healthy again or, where it \
      has no health check, one of its events succeeds; Ctrl-C ends that.
      """
  )
  var untilEmpty = false

  @Option(
    help: ArgumentHelp("How long a stop waits for handlers: 500ms, 30s, 5m. (default: 30s)", valueName: "duration"),
    transform: readDuration)
  var shutdownDeadline = Duration.seconds(30)

  @Option(
    help: ArgumentHelp(
      """
      How much to log: trace, debug, info, notice, warning, error or critical; of one logger by its name: \
      info,worker.sqs=debug. (default: info; of dev: error, and info of handlers)
      """,
      valueName: "levels"),
    transform: readLogLevels)
  var logLevel: LogLevels?

  @Option(
    help: ArgumentHelp(
      "How to log: text, json, or auto: text on a terminal and JSON elsewhere. (default: auto; of dev: text)",
      valueName: "format"),
    transform: readLogFormat)
  var logFormat: LogSetup.Format?

  /// Sets up logging, and creates the command's logger.
  ///
  /// - Parameters:
  ///   - level: The level if the arguments contain no general level.
  ///   - format: The format if the arguments contain none.
  func makeLogger(level: Logger.Level, format: LogSetup.Format) -> Logger {
    var levels = logLevel ?? LogLevels()
    levels.general = levels.general ?? level
    LogSetup(format: logFormat ?? format, levels: levels).bootstrap()
    return Logger(label: "worker")
  }
}

/// Creates the logger of a short command, whose log lines are for its user.
func makeCommandLogger() -> Logger {
  LogSetup(format: .text, levels: LogLevels()).bootstrap()
  return Logger(label: "worker")
}

func readDuration(_ text: String) throws -> Duration {
  guard let duration = Duration(configurationText: text) else {
    throw ValidationError("`\(text)` is not \(Duration.configurationDescription)")
  }
  return duration
}

private func readLogFormat(_ text: String) throws -> LogSetup.Format {
  guard let format = LogSetup.Format(rawValue: text) else {
    throw ValidationError(
      "`\(text)` is no log format; valid: \(LogSetup.Format.allCases.map(\.rawValue).joined(separator: ", "))")
  }
  return format
}

private func readLogLevels(_ text: String) throws -> LogLevels {
  do {
    return try LogLevels(text)
  } catch let error as LogLevelsError {
    throw ValidationError(error.description)
  }
}
