import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import WorkerKit

/// The consumers of a process, one for each queue. They run beside each other and stop at once; over when all of them are.
struct Consumers: Service {
  let services: [CountedService]
  let queues: [SQSQueue]
  private let ends: ConsumerEnds
  private let telemetry: Telemetry

  /// - Parameters:
  ///   - environment: Where credentials and endpoints come from.
  ///   - telemetry: Is flushed before an exit that stuck handlers make necessary.
  init(
    of queues: [QueueConfiguration], table: RoutingTable, options: RunOptions, middleware: [any Middleware],
    tracing: TracingConfiguration,
    environment: [String: String] = ProcessInfo.processInfo.environment, client: CurlClient, telemetry: Telemetry,
    logger: Logger
  ) throws {
    // One for all: the same credentials are good in every region.
    let credentials = CredentialsChain(
      environment: environment, region: queues.first?.region, client: client,
      logger: Logger(label: "worker.credentials"))
    let sqsLogger = Logger(label: "worker.sqs")
    let ends = ConsumerEnds(count: queues.count)
    self.ends = ends
    self.telemetry = telemetry
    let pairs = try queues.map { queue in
      (
        queue,
        try SQSQueue(
          url: queue.url, region: queue.region, client: client, credentials: credentials, tracing: tracing,
          logger: sqsLogger, environment: environment)
      )
    }
    self.queues = pairs.map(\.1)
    services = pairs.map { queue, sqsQueue in
      var configuration = QueueConsumer.Configuration(queue)
      configuration.shutdownDeadline = options.shutdownDeadline
      configuration.stopsWhenEmpty = options.untilEmpty
      configuration.middleware = middleware
      configuration.tracing = tracing
      let consumer = QueueConsumer(
        queue: sqsQueue, table: table, configuration: configuration, logger: logger,
        onStuckHandlers: { ends.note(.stuck, of: queue.name) })
      return CountedService(queue: queue.name, consumer: consumer, ends: ends)
    }
  }

  func run() async throws {
    async let _: Void = exitWhenOnlyStuckOnesAreLeft()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in services { group.addTask { try await service.run() } }
      // The first that fails ends the others.
      for try await _ in group {}
    }
  }

  /// A consumer whose handlers are stuck never returns; when all others have ended, the process must exit without it.
  private func exitWhenOnlyStuckOnesAreLeft() async {
    guard let status = try? await ends.untilOnlyStuckOnesAreLeft() else { return }
    await telemetry.flush()
    Foundation.exit(status)
  }

  /// Says what became of everything that was received.
  ///
  /// - Throws: the exit code of a run that was stopped before its queues were empty.
  func printSummary(wasStopped: Bool) throws {
    let total = services.reduce(into: [:]) { $0.merge($1.consumer.tally.outcomes, uniquingKeysWith: +) }
    let parts = total.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    let end = wasStopped ? "Stopped before the queue was empty" : "The queue is empty"
    // One message can be received, and counted, several times.
    print(parts.isEmpty ? "\(end); nothing was received." : "\(end). By receives: \(parts.joined(separator: ", ")).")
    if wasStopped { throw ExitCode(EX_TEMPFAIL) }
  }
}

/// How the consumers of a process have ended.
final class ConsumerEnds: Sendable {
  enum End {
    case returned, failed, stuck
  }

  private let count: Int
  private let ends = Watched<[String: End]>([:])

  init(count: Int) {
    self.count = count
  }

  func note(_ end: End, of queue: String) {
    ends.update { $0[queue] = end }
  }

  /// - Returns: the process's exit status.
  func untilOnlyStuckOnesAreLeft() async throws -> Int32 {
    try await ends.wait { [count] in $0.count == count && $0.values.contains(.stuck) }
    return ends.value.values.contains(.failed) ? EXIT_FAILURE : EXIT_SUCCESS
  }
}

/// A consumer, whose end is noted.
struct CountedService: Service {
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
