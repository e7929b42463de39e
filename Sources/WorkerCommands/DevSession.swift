import Foundation
import LocalQueue
import Logging
import ServiceLifecycle
import WorkerHTTP
import WorkerKit
import WorkerSQS

/// The worker of `worker dev`, next to the local queue, and its messages to the user.
struct DevSession: Service {
  let file: RoutesFile
  let routes: DevRoutes
  let surroundings: DevEnvironment
  /// Has a value once clients can connect to the local queue.
  let ready: AsyncValue<LocalQueueServer.Ready?>
  let options: RunOptions
  let demos: [any PluginDemo.Type]
  let middleware: [any EventMiddleware]
  let observers: [any HandlingObserver]
  let report: DevReport
  let client: CurlClient
  let telemetry: Telemetry
  let startup: Startup
  let logger: Logger
  /// Whether there is a console, and its address once it is served.
  let hasConsole: Bool
  let console = AsyncValue<String?>(nil)
  private let started = AsyncValue<Started?>(nil)

  /// nil until they have started.
  var consumers: Consumers? { started.read { $0?.consumers } }

  /// What the doctor looks at: the queues that were put in the place of the file's.
  func examination(_ plugins: [any WorkerPlugin.Type]) -> DoctorExamination? {
    guard let queues = started.read({ $0?.queues }) else { return nil }
    var examination = DoctorExamination(
      file: file, plugins: plugins, routes: routes.path, admin: nil, environment: surroundings.queueVariables)
    examination.check(queues)
    return examination
  }

  func run() async throws {
    guard let session = try await startup.run({ try await self.start() }), let session else { return }
    started.update { $0 = session }
    let consumers = session.consumers
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try? await report.watchPlugins(of: consumers) }
      group.addTask {
        // If the user stops the session meanwhile, nothing more is printed.
        guard (try? await report.untilAllReported()) != nil, !options.untilEmpty else { return }
        printNextCommands(session)
      }
      try await withGracefulShutdownHandler {
        try await consumers.run()
      } onGracefulShutdown: {
        reportStop(consumers)
      }
      group.cancelAll()
    }
    if options.untilEmpty {
      try Consumers.printSummary(of: consumers, wasStopped: Task.isShuttingDownGracefully)
    } else {
      printLine("\nStopped. What is left in its queues stays in \(surroundings.directory.given).")
    }
  }

  /// The result of starting.
  private struct Started: Sendable {
    var consumers: Consumers
    var queues: [QueueConfiguration]
    var queue: QueueConfiguration
    var environmentFile: String
    /// Whether a queue was created or an event was sent.
    var isNew: Bool
  }

  /// Starts the consumers.
  ///
  /// - Returns: nil if there is nothing to do.
  private func start() async throws -> Started? {
    try await ready.wait { $0 != nil }
    guard let local = ready.value else { return nil }
    let areRoutesNew = try routes.write()
    for demo in demos { try await demo.prepareDemo(file.configuration(of: demo)) }
    let queues = file.queues.map { queue in
      var queue = queue
      queue.url = "\(local.endpoint)/000000000000/\(surroundings.localName(of: queue))"
      return queue
    }
    let consumers = try Consumers(
      of: queues, table: try await file.makeRoutingTable(), options: options, middleware: [report] + middleware,
      observers: observers, tracing: file.tracing, blockingThreads: file.blockingThreads,
      environment: surroundings.queueVariables, client: client, telemetry: telemetry, logger: logger)
    guard let first = queues.first else {
      printLine("Every queue is disabled in routes.yaml (`enabled: false`): there is nothing to do.")
      return nil
    }
    let environmentFile = try surroundings.writeFile(endpoint: local.endpoint, queues: queues, of: file)
    printLine("A local SQS queue listens on \(local.endpoint); its data is in \(surroundings.directory.given).")
    for queue in queues { printLine("  queue \(queue.url)") }
    if let address = await consoleAddress() { printLine("A console is at \(address)") }
    if areRoutesNew { printLine("There is no routes.yaml here; \(routes.path) has the routes of the plugins' demos.") }
    let isNew = try await sendDemoEvents(to: first) || !local.newQueues.isEmpty
    return Started(consumers: consumers, queues: queues, queue: first, environmentFile: environmentFile, isNew: isNew)
  }

  /// - Returns: nil where there is no console, or it is not served in time.
  private func consoleAddress() async -> String? {
    guard hasConsole else { return nil }
    _ = await WorkerClock.continuous.isMet(within: .seconds(5)) { try await console.wait { $0 != nil } }
    return console.value
  }

  private func reportStop(_ consumers: Consumers) {
    let count = consumers.services.reduce(0) { $0 + $1.consumer.status.inFlight }
    let deadline = options.shutdownDeadline.formatted(
      .units(allowed: [.minutes, .seconds, .milliseconds], width: .wide))
    let inHand =
      count == 0
      ? "Nothing is in flight."
      : "\(counted(count, "event")) in flight may finish, within \(deadline); another Ctrl-C exits at once."
    printLine("\nStopping. \(inHand)")
  }

  /// Sends the demo events that an earlier start did not send.
  ///
  /// - Returns: Whether an event was sent.
  private func sendDemoEvents(to configuration: QueueConfiguration) async throws -> Bool {
    var record = DemoRecord(directory: surroundings.directory.given)
    let events = record.events(of: demoEvents)
    guard !events.isEmpty else { return false }
    let queue = try SQSQueue(
      url: configuration.url, region: configuration.region, client: client, tracing: file.tracing,
      logger: logger, environment: surroundings.queueVariables)
    printLine("\nA bot sends \(counted(events.count, "event")):")
    for event in events {
      // If an earlier start sent the event without recording it, the key makes this one a duplicate.
      let message = OutgoingMessage(
        body: event.body, attributes: ["IdempotencyKey": .string("worker dev: \(event.title)")],
        groupID: queue.isFIFO ? "worker-dev" : nil, deduplicationID: queue.isFIFO ? UUID().uuidString : nil)
      for result in try await queue.send([message]) {
        report.expect(try result.get(), event.title)
      }
      try record.add(event)
      printLine("  \(event.title)")
    }
    printLine("\nOutcomes:")
    return true
  }

  /// The demo events that have a route, with the event types of their routes.
  private var demoEvents: [DemoEvent] { demos.flatMap { $0.demoEvents(for: file) } }

  private func printNextCommands(_ session: Started) {
    let worker = CommandLine.arguments.first ?? "worker"
    let event = shellQuoted(
      demoEvents.first.map { Self.onOneLine($0.body) }
        ?? file.schemas.first.map { Self.json($0.example) } ?? "{}")
    let options = routes.path == RoutesOptions.defaultPath ? "" : " --routes \(shellQuoted(routes.path))"
    let commands =
      demos.filter { !$0.demoEvents(for: file).isEmpty }.flatMap { $0.demoCommands }.map { "\(worker) \($0)\(options)" }
      + [
        "echo \(event) | \(worker) send -\(options)",
        "aws --endpoint-url $AWS_ENDPOINT_URL_SQS sqs send-message --queue-url $AWS_SQS_QUEUE_URL --message-body \(event)",
        "\(worker) dead-letters list\(options)\(file.queues.count > 1 ? " --queue \(session.queue.name)" : "")   # lists the dead letters with their reasons",
      ]
    let again =
      session.isNew
      ? ""
      : "\nIt continues with the data of the last run; to start afresh, stop it and remove \(surroundings.directory.given).\n"
    printLine(
      """
      \(again)
      Next, in another terminal:
        . \(session.environmentFile)   # sets the variables that the next commands need
        \(commands.joined(separator: "\n  "))

      Ctrl-C ends it.
      """)
  }
}

extension DevSession {
  /// The JSON without line breaks, for use in a shell.
  private static func onOneLine(_ json: String) -> String {
    json.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
  }

  private static func json(_ value: JSONValue) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
