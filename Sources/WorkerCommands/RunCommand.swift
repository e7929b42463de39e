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
    let ends = ConsumerEnds(count: file.queues.count)
    let consumers = try file.queues.map { queue in
      let consumer = try makeConsumer(queue, table: table, client: client, logger: logger) {
        ends.note(.stuck, of: queue.name)
      }
      return CountedService(queue: queue.name, consumer: consumer, ends: ends)
    }
    let wasStopped = try await serve(consumers, logger: logger)
    if untilEmpty {
      printSummary(of: consumers.map(\.consumer), wasStopped: wasStopped)
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
  private func serve(_ services: [CountedService], logger: Logger) async throws -> Bool {
    let signalled = Watched(false)
    let services = services.map {
      ServiceGroupConfiguration.ServiceConfiguration(service: $0, successTerminationBehavior: .ignore)
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

/// How the consumers of a process have ended. One whose handlers are stuck never returns; when all others have ended,
/// the process must exit without it.
private final class ConsumerEnds: Sendable {
  enum End {
    case returned, failed, stuck
  }

  private let count: Int
  private let ends = Watched<[String: End]>([:])

  init(count: Int) {
    self.count = count
  }

  func note(_ end: End, of queue: String) {
    let ends = ends.update { ends in
      ends[queue] = end
      return ends
    }
    if ends.count == count, ends.values.contains(.stuck) {
      Foundation.exit(ends.values.contains(.failed) ? EXIT_FAILURE : EXIT_SUCCESS)
    }
  }
}

private struct CountedService: Service {
  let queue: String
  let consumer: QueueConsumer
  let ends: ConsumerEnds

  func run() async throws {
    do {
      try await consumer.run()
      ends.note(.returned, of: queue)
    } catch {
      ends.note(.failed, of: queue)
      throw error
    }
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
