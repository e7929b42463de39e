import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import WorkerHTTP
import WorkerKit
import WorkerSQS

/// The consumers of a process, one for each queue. They run concurrently, and stop together.
struct Consumers: Service {
  let services: [CountedService]
  let queues: [SQSQueue]
  let consoles: [any PluginConsole]
  private let plugins: [any PluginService]
  private let client: CurlClient
  private let ends: ConsumerEnds
  private let telemetry: Telemetry
  private let stopsWhenEmpty: Bool

  /// Creates the consumers.
  ///
  /// - Parameters:
  ///   - environment: The environment variables for credentials and endpoints.
  ///   - telemetry: Flushed before an exit that stuck handlers make necessary.
  ///   - credentials: The credentials chain, if one was already used.
  init(
    of queues: [QueueConfiguration], table: RoutingTable, options: RunOptions, middleware: [any EventMiddleware],
    observers: [any HandlingObserver], tracing: TracingConfiguration, blockingThreads: Int,
    environment: [String: String] = ProcessInfo.processInfo.environment, client: CurlClient, telemetry: Telemetry,
    credentials: CredentialsChain? = nil, logger: Logger
  ) throws {
    let credentials = credentials ?? Self.credentials(of: queues, environment: environment, client: client)
    let sqsLogger = Logger(label: "worker.sqs")
    let ends = ConsumerEnds(count: queues.count)
    plugins = table.services
    consoles = table.consoles
    self.client = client
    self.ends = ends
    self.telemetry = telemetry
    stopsWhenEmpty = options.untilEmpty
    let pairs = try queues.map { queue in
      (
        queue,
        try SQSQueue(
          url: queue.url, region: queue.region, client: client, credentials: credentials, tracing: tracing,
          logger: sqsLogger, environment: environment)
      )
    }
    self.queues = pairs.map(\.1)
    let threads = BlockingThreads(limit: blockingThreads)
    services = pairs.map { queue, sqsQueue in
      var configuration = QueueConsumer.Configuration(queue)
      configuration.shutdownDeadline = options.shutdownDeadline
      configuration.stopsWhenEmpty = options.untilEmpty
      configuration.middleware = middleware
      configuration.observers = observers
      configuration.tracing = tracing
      configuration.blockingThreads = threads
      let consumer = QueueConsumer(
        queue: sqsQueue, table: table, configuration: configuration, logger: logger,
        onStuckHandlers: { ends.record(.stuck, of: queue.name) })
      return CountedService(queue: queue.name, consumer: consumer, ends: ends)
    }
  }

  /// The credentials chain, shared by all queues because credentials are valid in every region.
  static func credentials(
    of queues: [QueueConfiguration], environment: [String: String] = ProcessInfo.processInfo.environment,
    client: CurlClient
  ) -> CredentialsChain {
    CredentialsChain(
      environment: environment, region: queues.first?.withRegion(environment: environment).region, client: client,
      logger: Logger(label: "worker.credentials"))
  }

  func run() async throws {
    async let _: Void = exitWhenOnlyStuckOnesAreLeft()
    async let _: Void = reportWaits()
    try await withThrowingTaskGroup(of: Void.self) { beside in
      for plugin in plugins {
        beside.addTask(executorPreference: globalConcurrentExecutor) { try await run(plugin) }
      }
      try await runConsumers()
      beside.cancelAll()
      try await beside.waitForAll()
    }
  }

  /// Runs a plugin's service. It is cancelled after the consumers have ended.
  private func run(_ plugin: any PluginService) async throws {
    let name = type(of: plugin).name
    do {
      try await plugin.run()
      guard !Task.isCancelled else { return }
      throw CommandError("the plugin \(name) has ended, and its events cannot be handled without it")
    } catch is CancellationError where Task.isCancelled {
      return
    } catch {
      // The messages in flight are finished, as after a signal.
      for service in services { service.consumer.stop() }
      throw error
    }
  }

  private func runConsumers() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for service in services { group.addTask { try await service.run() } }
      var failure: (any Error)?
      while let result = await group.nextResult() {
        guard case .failure(let error) = result else { continue }
        failure = failure ?? error
        // The messages of the other consumers are finished, as after a signal.
        for service in services { service.consumer.stop() }
      }
      if let failure { throw failure }
    }
  }

  /// Checks that each consumer and the HTTP client make progress.
  ///
  /// - Returns: The problems that were found.
  func findHangs() async -> [String] {
    await withTaskGroup(of: String?.self) { group in
      for service in services {
        group.addTask { await service.consumer.findHang().map { "\(service.queue): \($0)" } }
      }
      group.addTask {
        let isAnswered = await WorkerClock.continuous.isMet(within: .seconds(10)) { try await client.ping() }
        return isAnswered ? nil : "the HTTP client's thread has not answered within 10 s"
      }
      return await group.reduce(into: []) { if let hang = $1 { $0.append(hang) } }.sorted()
    }
  }

  /// Reports once for each plugin that is down that its events keep the queues from becoming empty.
  private func reportWaits() async {
    var reported: Set<String> = []
    while stopsWhenEmpty, (try? await Task.sleep(for: .milliseconds(200))) != nil {
      let down = services.reduce(into: [:]) { $0.merge($1.consumer.status.closedPlugins) { first, _ in first } }
      for (plugin, problem) in down.sorted(by: { $0.key < $1.key }) where reported.insert(plugin).inserted {
        printStatus(
          TerminalText.line(
            "--until-empty waits for the plugin \(plugin), which is down, because its events are not lost: \(problem). "
              + "Ctrl-C ends that, and leaves them in the queue."))
      }
    }
  }

  /// A consumer with a stuck handler never returns. Once all others have ended, this exits the process.
  private func exitWhenOnlyStuckOnesAreLeft() async {
    guard let status = try? await ends.untilOnlyStuckOnesAreLeft() else { return }
    await telemetry.flush()
    Foundation.exit(status)
  }

  /// Prints the outcomes of all received messages.
  ///
  /// - Parameter consumers: nil if the run was stopped before the consumers existed.
  /// - Throws: The exit code for a run that was stopped before its queues were empty.
  static func printSummary(of consumers: Consumers?, wasStopped: Bool) throws {
    let total = (consumers?.services ?? []).reduce(into: [:]) {
      $0.merge($1.consumer.outcomeCounts.outcomes, uniquingKeysWith: +)
    }
    let parts = total.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    let end = wasStopped ? "Stopped before the queue was empty" : "The queue is empty"
    // A message can be received, and counted, several times.
    printLine(
      parts.isEmpty ? "\(end); nothing was received." : "\(end). By receives: \(parts.joined(separator: ", ")).")
    if wasStopped { throw ExitCode(EX_TEMPFAIL) }
  }
}

/// How each consumer of a process ended.
final class ConsumerEnds: Sendable {
  enum End {
    case returned, failed, stuck
  }

  private let count: Int
  private let ends = AsyncValue<[String: End]>([:])

  init(count: Int) {
    self.count = count
  }

  func record(_ end: End, of queue: String) {
    ends.update { $0[queue] = end }
  }

  /// Waits until every consumer has ended or is stuck, and at least one is stuck.
  ///
  /// - Returns: The exit status of the process.
  func untilOnlyStuckOnesAreLeft() async throws -> Int32 {
    try await ends.wait { [count] in $0.count == count && $0.values.contains(.stuck) }
    return ends.value.values.contains(.failed) ? EXIT_FAILURE : EXIT_SUCCESS
  }
}

/// A consumer whose end is recorded.
struct CountedService: Service {
  let queue: String
  let consumer: QueueConsumer
  let ends: ConsumerEnds

  func run() async throws {
    do {
      try await consumer.run()
      ends.record(.returned, of: queue)
    } catch {
      ends.record(.failed, of: queue)
      throw error
    }
  }
}

extension QueueConsumer.Configuration {
  init(_ queue: QueueConfiguration) {
    self.init()
    concurrency = queue.concurrency
    prefetchMultiplier = queue.prefetchMultiplier
    maxMessages = queue.maxMessages
    waitTime = queue.waitTime
    visibilityTimeout = queue.visibilityTimeout
    maxReceiveCount = queue.maxReceiveCount
  }
}
