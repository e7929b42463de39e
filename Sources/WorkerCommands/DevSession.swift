import Foundation
import LocalQueue
import Logging
import ServiceLifecycle
import WorkerKit

/// The worker beside the local queue, and what it tells the person in front of it.
struct DevSession: Service {
  let file: RoutesFile
  let routesPath: String
  let surroundings: DevEnvironment
  /// Has a value once the local queue can be used.
  let ready: Watched<LocalQueueServer.Ready?>
  let options: RunOptions
  let demos: [any PluginDemo.Type]
  let middleware: [any Middleware]
  let client: CurlClient
  let telemetry: Telemetry
  let logger: Logger
  private let report = DevReport()

  init(
    file: RoutesFile, routesPath: String, surroundings: DevEnvironment, ready: Watched<LocalQueueServer.Ready?>,
    options: RunOptions, demos: [any PluginDemo.Type], middleware: [any Middleware], client: CurlClient,
    telemetry: Telemetry, logger: Logger
  ) {
    self.file = file
    self.routesPath = routesPath
    self.surroundings = surroundings
    self.ready = ready
    self.options = options
    self.demos = demos
    self.middleware = middleware
    self.client = client
    self.telemetry = telemetry
    self.logger = logger
  }

  func run() async throws {
    try await ready.wait { $0 != nil }
    guard let local = ready.value else { return }
    for demo in demos { try await demo.prepareDemo(file.configuration(of: demo)) }
    let queues = file.queues.map { queue in
      var queue = queue
      queue.url = "\(local.endpoint)/000000000000/\(surroundings.localName(of: queue))"
      return queue
    }
    let consumers = try Consumers(
      of: queues, table: try await file.makeRoutingTable(), options: options, middleware: [report] + middleware,
      tracing: file.tracing,
      environment: surroundings.clientVariables, client: client, telemetry: telemetry, logger: logger)
    guard let first = queues.first else {
      return say("Every queue is disabled in routes.yaml (`enabled: false`): there is nothing to do.")
    }
    let environmentFile = try surroundings.writeFile(endpoint: local.endpoint, queue: first)
    say("A local SQS queue listens on \(local.endpoint); its data is in \(surroundings.directory.given).")
    for queue in queues { say("  queue \(queue.url)") }
    let isNew = !local.newQueues.isEmpty
    if isNew { try await sendDemoEvents(to: first) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        // Whoever stops it meanwhile wants to hear no more.
        guard (try? await report.untilToldAll()) != nil, !options.untilEmpty else { return }
        sayWhatNext(first, environmentFile, isNew: isNew)
      }
      try await consumers.run()
      group.cancelAll()
    }
    if options.untilEmpty {
      try consumers.printSummary(wasStopped: Task.isShuttingDownGracefully)
    } else {
      say("\nStopped. What is left in its queues stays in \(surroundings.directory.given).")
    }
  }

  private func sendDemoEvents(to configuration: QueueConfiguration) async throws {
    let events = demos.flatMap { $0.demoEvents }
    guard !events.isEmpty else { return }
    let queue = try SQSQueue(
      url: configuration.url, region: configuration.region, client: client, tracing: file.tracing,
      logger: logger, environment: surroundings.clientVariables)
    say("\nA bot sends \(events.count) events:")
    for event in events {
      for result in try await queue.send([OutgoingMessage(body: event.body)]) {
        report.expect(try result.get(), event.title)
      }
      say("  \(event.title)")
    }
    say("\nWhat becomes of them:")
  }

  private func sayWhatNext(_ queue: QueueConfiguration, _ environmentFile: String, isNew: Bool) {
    let worker = CommandLine.arguments.first ?? "worker"
    let event =
      demos.flatMap { $0.demoEvents }.first.map { Self.onOneLine($0.body) }
      ?? #"{"eventType":"\#(file.routes.first?.eventType ?? "…")"}"#
    let options = routesPath == RoutesOptions.defaultPath ? "" : " --routes \(routesPath)"
    let commands =
      demos.flatMap { $0.demoCommands }.map { "\(worker) \($0)\(options)" } + [
        "echo '\(event)' | \(worker) send -\(options)",
        "aws --endpoint-url $AWS_ENDPOINT_URL_SQS sqs send-message --queue-url $AWS_SQS_QUEUE_URL --message-body '\(event)'",
        "\(worker) dead-letters list\(options)\(file.queues.count > 1 ? " --queue \(queue.name)" : "")   # the dead letters, and why they are there",
      ]
    let again =
      isNew
      ? ""
      : "\nIt goes on with the data that it had; for a new beginning, stop it and remove \(surroundings.directory.given).\n"
    say(
      """
      \(again)
      What to type next, in another terminal:
        . \(environmentFile)   # so that what follows finds the queue
        \(commands.joined(separator: "\n  "))

      Ctrl-C ends it.
      """)
  }
}

extension DevSession {
  /// JSON without line breaks, to be typed in a shell.
  private static func onOneLine(_ json: String) -> String {
    json.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
  }
}

/// Prints what becomes of each event.
private final class DevReport: Middleware {
  private struct State {
    /// The titles of the events that were sent, by message id.
    var titles: [String: String] = [:]
    var told: Set<String> = []
  }

  private let state = Watched(State())

  func expect(_ messageID: String, _ title: String) {
    state.update { $0.titles[messageID] = title }
  }

  /// Waits until everything that was sent has had an outcome.
  func untilToldAll() async throws {
    try await state.wait { $0.told.isSuperset(of: $0.titles.keys) }
  }

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    do {
      try await next(context)
      tell(context, "handled")
    } catch let failure as Failure {
      switch failure.settlement {
      case .deadLetter: tell(context, "dead-lettered: \(failure)")
      case .retry(let delay):
        tell(context, "comes again in \(delay.formatted(.units(allowed: [.seconds]))): \(failure)")
      case .leave: tell(context, "left on the queue: \(failure)")
      }
      throw failure
    }
  }

  private func tell(_ context: HandlerContext, _ outcome: String) {
    let title = state.value.titles[context.messageID] ?? "message \(context.messageID)"
    say("  \(context.eventType), \(title): \(outcome)")
    state.update { _ = $0.told.insert(context.messageID) }
  }
}

/// Prints a line, at once even where it goes into a file or a pipe.
private func say(_ line: String) {
  print(line)
  fflush(nil)
}
