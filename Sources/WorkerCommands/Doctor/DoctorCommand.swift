import ArgumentParser
import Foundation
import Logging
import WorkerKit

struct DoctorCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "doctor",
      abstract: "Look for what keeps the worker from working, and say what mends it.",
      discussion: """
        Looks at routes.yaml, the credentials and whose they are, the clock, each \
        enabled queue with its dead-letter queue, the permissions, and the plugins. \
        Each line is ok, a warning, or wrong, and below it what mends it: a command, \
        a line of routes.yaml, or a statement for an IAM policy.

        Nothing is received, sent, deleted or changed, so it can be run beside a \
        worker at any time. Permissions are tried by requests that can do nothing, \
        such as one for no message. What needs a real message, such as the key of an \
        encrypted queue, is not tried.

        Exit codes: 0 all is well or there are only warnings, 1 something is wrong, \
        64 wrong arguments, 78 routes.yaml is wrong (the rest is looked at as far as \
        it can be).
        """)
  }

  @OptionGroup var routesOptions: RoutesOptions

  @Option(help: "Look at this queue of routes.yaml alone; at all that are enabled otherwise.")
  var queue: String?

  @Flag(help: "Print the findings as one JSON object.")
  var json = false

  func run() async throws {
    // What is worth knowing is in the findings.
    LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
    let environment = ProcessInfo.processInfo.environment
    let (file, problems) = RoutesFile.examine(
      path: routesOptions.routes, plugins: Application.plugins, environment: environment)
    var queues = file.queues
    if let queue, problems.isEmpty { queues = [try file.queue(named: queue, routes: routesOptions.routes)] }
    let report = DoctorReport(
      isJSON: json, subjects: DoctorSubject.all(of: queues, Application.plugins.map { $0.name }))
    let surroundings = DoctorSurroundings(
      environment: environment, routes: routesOptions.routes, hasSeveralQueues: file.queues.count > 1,
      region: queues.first?.region)

    report.add(
      ConfigurationCheck(file: file, problems: problems, queues: queues, surroundings: surroundings).findings(),
      on: .configuration)
    let hasCredentials = await examineCredentials(queues, surroundings, report)
    for queue in queues {
      let check = QueueCheck(queue: queue, file: file, hasCredentials: hasCredentials, surroundings: surroundings)
      await check.run(report)
    }
    await examinePlugins(file, report)
    try report.finish(configurationIsWrong: !problems.isEmpty)
  }

  private func examinePlugins(_ file: RoutesFile, _ report: DoctorReport) async {
    for plugin in Application.plugins where file.uses(plugin) {
      report.add(await PluginCheck(plugin: plugin, file: file).findings(), on: .plugin(plugin.name))
    }
  }

  /// - Returns: whether there are credentials to ask a queue with.
  private func examineCredentials(
    _ queues: [QueueConfiguration], _ surroundings: DoctorSurroundings, _ report: DoctorReport
  ) async -> Bool {
    report.add([await CredentialsCheck(queues: queues, surroundings: surroundings).finding()], on: .credentials)
    for endpoint in surroundings.endpoints(of: queues) {
      report.add([await ClockCheck(endpoint: endpoint, client: surroundings.client).finding()], on: .clock)
    }
    return await surroundings.credentials.source != nil
  }
}

/// What all checks look at things with.
struct DoctorSurroundings: Sendable {
  /// For what the network may take.
  static let patience = Duration.seconds(5)

  let environment: [String: String]
  /// The path of `routes.yaml`.
  let routes: String
  let hasSeveralQueues: Bool
  let client: CurlClient
  let credentials: CredentialsChain

  init(environment: [String: String], routes: String, hasSeveralQueues: Bool, region: String?) {
    self.environment = environment
    self.routes = routes
    self.hasSeveralQueues = hasSeveralQueues
    client = CurlClient(environment: environment)
    credentials = CredentialsChain(environment: environment, region: region, client: client)
  }

  /// Where the queues' requests go, each once.
  func endpoints(of queues: [QueueConfiguration]) -> [URL] {
    queues.reduce(into: []) { endpoints, queue in
      guard let endpoint = try? QueueInspector.endpoint(of: queue.url, environment: environment),
        !endpoints.contains(endpoint)
      else { return }
      endpoints.append(endpoint)
    }
  }

  func variable(_ name: String) -> String? {
    environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The binary's own command, about a queue.
  func command(_ words: String, of queue: QueueConfiguration) -> String {
    let which = hasSeveralQueues ? " --queue \(queue.name)" : ""
    let file = routes == RoutesOptions.defaultPath ? "" : " --routes \(shellQuoted(routes))"
    return "\(binaryName) \(words)\(which)\(file)"
  }
}

/// Runs what may hang, and gives up.
///
/// - Throws: a ``QueueError`` of kind `timeout` when the time is over.
func within<Success: Sendable>(
  _ time: Duration, _ body: @escaping @Sendable () async throws -> Success
) async throws -> Success {
  try await withThrowingTaskGroup(of: Success.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: time)
      throw QueueError(
        code: .connection, kind: .timeout, message: "no answer within \(time.components.seconds) s")
    }
    defer { group.cancelAll() }
    guard let first = try await group.next() else { preconditionFailure("two tasks were added") }
    return first
  }
}
