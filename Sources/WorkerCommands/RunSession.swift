import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import WorkerHTTP
import WorkerKit
import WorkerLocks
import WorkerSQS

/// The worker of `run`: checks its queues, creates its plugins, and runs the consumers.
final class RunSession: Service {
  /// How long a queue that does not respond delays the start.
  private static let queuePatience = Duration.seconds(5)

  let startup: Startup
  private let file: RoutesFile
  private let options: RunOptions
  private let middleware: [any EventMiddleware]
  private let observers: [any HandlingObserver]
  private let client: CurlClient
  private let telemetry: Telemetry
  /// Whether to measure the depth of the queues, for the metrics endpoint.
  private let measuresQueues: Bool
  private let logger: Logger
  private let started = Mutex<Consumers?>(nil)

  init(
    file: RoutesFile, options: RunOptions, middleware: [any EventMiddleware], observers: [any HandlingObserver],
    client: CurlClient, telemetry: Telemetry, measuresQueues: Bool, logger: Logger
  ) {
    self.file = file
    self.options = options
    self.middleware = middleware
    self.observers = observers
    self.client = client
    self.telemetry = telemetry
    self.measuresQueues = measuresQueues
    self.logger = logger
    startup = Startup(exitStatus: options.untilEmpty ? EX_TEMPFAIL : EXIT_SUCCESS)
  }

  /// The consumers; nil until they have started.
  var consumers: Consumers? { started.withLock { $0 } }

  func run() async throws {
    guard let consumers = try await startup.run({ try await self.makeConsumers() }) else { return }
    started.withLock { $0 = consumers }
    async let _: Void = measureQueues(of: consumers)
    try await consumers.run()
  }

  private func makeConsumers() async throws -> Consumers {
    let credentials = Consumers.credentials(of: file.queues, client: client)
    try await checkQueues(credentials)
    let table = try await file.makeRoutingTable { plugin, make in
      try await self.startup.step("makes the plugin \(plugin)", make)
    }
    return try Consumers(
      of: file.queues, table: table, options: options, middleware: middleware, observers: observers,
      tracing: file.tracing, blockingThreads: file.blockingThreads, client: client, telemetry: telemetry,
      credentials: credentials, logger: logger)
  }

  /// Checks all queues concurrently before plugins create resources, so that a start that cannot succeed leaves nothing
  /// behind.
  ///
  /// - Throws: If a queue does not exist, or if there are no credentials. Other errors may be temporary, and the
  ///   consumer reports them.
  private func checkQueues(_ credentials: CredentialsChain) async throws {
    let logger = Logger(label: "worker.sqs")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for configuration in file.queues {
        let queue = try SQSQueue(
          url: configuration.url, region: configuration.region, client: client, credentials: credentials,
          tracing: file.tracing, logger: logger)
        group.addTask {
          try await self.startup.step("asks the queue \(queue.name)") { try await Self.check(queue) }
        }
      }
      try await group.waitForAll()
    }
  }

  private static func check(_ queue: SQSQueue) async throws {
    do {
      _ = try await within(queuePatience) { try await queue.attributes() }
    } catch var error as QueueError where error.isQueueMissing || error.code == .noCredentials {
      error.message = "queue \(queue.name): \(error.message)"
      throw error
    } catch {
      try Task.checkCancellation()
    }
  }

  private func measureQueues(of consumers: Consumers) async {
    guard measuresQueues else { return }
    try? await QueueDepthMonitor(queues: consumers.queues, logger: Logger(label: "worker.admin")).run()
  }

  /// Prints the outcomes of all received messages.
  ///
  /// - Throws: The exit code for a run that was stopped before its queues were empty.
  func printSummary(wasStopped: Bool) throws {
    try Consumers.printSummary(of: consumers, wasStopped: wasStopped)
  }
}
