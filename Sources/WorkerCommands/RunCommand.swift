import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals
import WorkerKit

struct RunCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "run",
      abstract: "Receive events and handle them, until stopped.",
      discussion: """
        SIGTERM or SIGINT (Ctrl-C) stops receiving at once, lets what is in hand \
        finish within the deadline, makes the rest visible again for other workers, \
        and exits with 0. A second signal exits at once.

        Exit codes: 0 stopped or empty, 1 a failure, 64 wrong arguments, \
        75 stopped before --until-empty was reached, 78 routes.yaml is wrong.
        """)
  }

  @OptionGroup var routesOptions: RoutesOptions

  @Flag(help: "Stop by itself when the queues hold nothing any more: nothing visible, in flight or delayed.")
  var untilEmpty = false

  @Option(
    help: ArgumentHelp("How long a stop waits for handlers: 500ms, 30s, 5m. (default: 30s)", valueName: "duration"),
    transform: readDuration)
  var shutdownDeadline = Duration.seconds(30)

  @Option(
    help: ArgumentHelp(
      "How much to log: trace, debug, info, notice, warning, error or critical. (default: info)", valueName: "level"),
    transform: readLogLevel)
  var logLevel = Logger.Level.info

  func run() async throws {
    LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
    var logger = Logger(label: "worker")
    logger.logLevel = logLevel
    let file = try exitingOnProblems { try routesOptions.load(for: Application.self) }
    for name in file.disabledQueues {
      logger.notice("the queue is disabled in routes.yaml; nothing is received from it", metadata: ["queue": "\(name)"])
    }
    guard !file.queues.isEmpty else {
      print("Every queue is disabled (`enabled: false`, AWS_SQS_ENABLED=false): there is nothing to do.")
      return
    }
    let table = try await file.makeRoutingTable()
    let client = CurlClient()
    let running = RunningConsumers(count: file.queues.count)
    let consumers = try file.queues.map { configuration in
      try makeConsumer(configuration, table: table, client: client, logger: logger) {
        // Handlers that ignore their cancellation must not keep the process: their messages have been given back.
        if running.leave() { Foundation.exit(EXIT_SUCCESS) }
      }
    }
    let wasStopped = try await serve(consumers, running: running, logger: logger)
    if untilEmpty {
      printSummary(of: consumers, wasStopped: wasStopped)
      if wasStopped { throw ExitCode(EX_TEMPFAIL) }
    }
  }

  private func makeConsumer(
    _ queue: QueueConfiguration, table: RoutingTable, client: CurlClient, logger: Logger,
    onStuckHandlers: @escaping @Sendable () -> Void
  ) throws -> QueueConsumer {
    var configuration = QueueConsumer.Configuration(queue)
    configuration.shutdownDeadline = shutdownDeadline
    configuration.stopsWhenEmpty = untilEmpty
    configuration.middleware = Application.middleware
    return QueueConsumer(
      queue: try SQSQueue(url: queue.url, region: queue.region, client: client, logger: logger), table: table,
      configuration: configuration, logger: logger, onStuckHandlers: onStuckHandlers)
  }

  /// - Returns: whether a signal ended it.
  private func serve(
    _ consumers: [QueueConsumer], running: RunningConsumers, logger: Logger
  ) async throws -> Bool {
    let signalled = Watched(false)
    let services = consumers.map { consumer in
      ServiceGroupConfiguration.ServiceConfiguration(
        service: CountedService(consumer: consumer, running: running), successTerminationBehavior: .ignore)
    }
    let group = ServiceGroup(configuration: .init(services: services, logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      tasks.addTask {
        var signals = await UnixSignalsSequence(trapping: .sigterm, .sigint).makeAsyncIterator()
        guard let first = await signals.next() else { return }
        signalled.update { $0 = true }
        logger.notice("stopping; a second signal exits at once", metadata: ["signal": "\(first)"])
        await group.triggerGracefulShutdown()
        guard let second = await signals.next() else { return }
        logger.warning("exiting at once", metadata: ["signal": "\(second)"])
        Foundation.exit(second == .sigint ? 130 : 143)
      }
      try await tasks.next()
      tasks.cancelAll()
    }
    return signalled.value
  }

  private func printSummary(of consumers: [QueueConsumer], wasStopped: Bool) {
    let total = consumers.reduce(into: [:]) { $0.merge($1.tally.outcomes, uniquingKeysWith: +) }
    let parts = total.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    let end = wasStopped ? "Stopped before the queue was empty" : "The queue is empty"
    // One message can be received, and counted, several times.
    print(parts.isEmpty ? "\(end); nothing was received." : "\(end). By receives: \(parts.joined(separator: ", ")).")
  }
}

/// Which consumers still run.
private final class RunningConsumers: Sendable {
  private let count: Watched<Int>

  init(count: Int) {
    self.count = Watched(count)
  }

  /// - Returns: whether it was the last.
  func leave() -> Bool {
    count.update {
      $0 -= 1
      return $0 == 0
    }
  }
}

private struct CountedService: Service {
  let consumer: QueueConsumer
  let running: RunningConsumers

  func run() async throws {
    try await consumer.run()
    _ = running.leave()
  }
}

extension QueueConsumer.Configuration {
  init(_ queue: QueueConfiguration) {
    self.init()
    concurrency = queue.concurrency
    maxMessages = queue.maxMessages
    waitTime = queue.waitTime
    visibilityTimeout = queue.visibilityTimeout
    maxReceiveCount = queue.maxReceiveCount
  }
}

private func readDuration(_ text: String) throws -> Duration {
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
