import ArgumentParser
import Foundation
import Logging
import WorkerHTTP
import WorkerKit
import WorkerSQS

struct DoctorCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "doctor",
      abstract: "Find what keeps the worker from working, and how to fix it.",
      discussion: """
        Checks routes.yaml, the credentials and their identity, the clock, each \
        enabled queue with its dead-letter queue, the permissions, and the plugins. \
        Each line is ok, a warning or wrong. Below it is the fix: a command, a line of \
        routes.yaml, or a statement for an IAM policy. Where routes.yaml \
        has `admin`, a worker that runs on this machine is asked whether it is ready.

        It receives, sends, deletes and changes nothing, so it can run beside a \
        worker. It tests permissions with requests that have no effect, such as a \
        receive of no message. It does not test what needs a message, such as the \
        key of an encrypted queue.

        Exit codes: 0 no problem, or only warnings; 1 a problem; 64 invalid \
        arguments; 78 routes.yaml is invalid (the rest is checked as far as possible).
        """)
  }

  @OptionGroup var routesOptions: NamedRoutesOptions

  @Option(help: "Check only this queue of routes.yaml. By default, all enabled queues.")
  var queue: String?

  @Flag(help: "Print the findings as one JSON object.")
  var json = false

  func run() async throws {
    // The findings contain all relevant information.
    LoggingSystem.bootstrap { _ in SwiftLogNoOpLogHandler() }
    let environment = ProcessInfo.processInfo.environment
    let (file, problems) = RoutesFile.examine(
      path: routesOptions.routes, plugins: Application.plugins, environment: environment)
    var examination = DoctorExamination(
      file: file, problems: problems, plugins: Application.plugins, routes: routesOptions.routes, admin: file.admin,
      environment: environment)
    if let queue, problems.isEmpty {
      examination.check([try file.queue(named: queue, routes: routesOptions.routes)])
    }
    examination.asksWorker = true
    let report = DoctorReport(
      isJSON: json, subjects: DoctorSubject.all(of: examination.queues, Application.plugins.map { $0.name }))
    await examination.run(report)
    try report.finish(configurationIsWrong: !problems.isEmpty)
  }
}

/// The settings and clients that all checks share.
struct DoctorSurroundings: Sendable {
  /// The time limit of network requests.
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

  /// The distinct endpoints of the queues.
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

  /// A command of this binary for a queue.
  func command(_ words: String, of queue: QueueConfiguration) -> String {
    let which = hasSeveralQueues ? " --queue \(queue.name)" : ""
    let file = routes == RoutesOptions.defaultPath ? "" : " --routes \(shellQuoted(routes))"
    return "\(binaryName) \(words)\(which)\(file)"
  }
}

/// Runs an operation with a time limit.
///
/// - Throws: A ``QueueError`` of kind `timeout` if the operation exceeds the limit.
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
