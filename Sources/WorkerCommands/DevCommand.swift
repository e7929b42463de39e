import ArgumentParser
import Foundation
import LocalQueue
import Logging
import ServiceLifecycle
import WorkerKit
import WorkerTelemetry

struct DevCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "dev",
      abstract: "Run the worker on a local queue of its own: nothing else is needed.",
      discussion: """
        Starts a local queue server, makes the queues of routes.yaml there, each \
        with its dead-letter queue, and handles what comes. The first time it also \
        sends the events by which the plugins show themselves. What becomes of each \
        event is printed.

        Whatever routes.yaml and the environment say, no other queue is touched. \
        Handlers do what routes.yaml configures; a plugin whose store is named \
        there, and not left to the environment, sends no events of its own. Run \
        again, it goes on with the data that it had. Ctrl-C ends it.

        Exit codes: as those of run.
        """)
  }

  @OptionGroup var routesOptions: RoutesOptions

  @OptionGroup var queueOptions: LocalQueueOptions

  @OptionGroup var options: RunOptions

  func run() async throws {
    let logger = options.makeLogger(level: .error, format: .text)
    let surroundings = DevEnvironment(directory: queueOptions.data, demos: Self.demos)
    let file = try exitingOnProblems {
      try RoutesFile(
        path: routesOptions.routes, plugins: Application.plugins, environment: surroundings.routesVariables)
    }
    try surroundings.checkLocalNames(of: file.queues)
    let demos = Self.demos.filter {
      file.uses($0) && $0.isDemo(file.configuration(of: $0), in: surroundings.directory.absolute)
    }
    var configuration = queueOptions.configuration
    configuration.queues = file.queues.map { queue in
      .init(
        surroundings.localName(of: queue), region: queue.region,
        visibilityTimeout: Int(queue.visibilityTimeout.components.seconds), maxReceiveCount: queue.maxReceiveCount)
    }
    let ready = Watched<LocalQueueServer.Ready?>(nil)
    let server = LocalQueueServer(configuration: configuration, logger: logger) { value in
      ready.update { $0 = value }
    }
    let client = CurlClient()
    let telemetry = try Telemetry.bootstrap(client: client, logger: logger)
    let session = DevSession(
      file: file, routesPath: routesOptions.routes, surroundings: surroundings, ready: ready, options: options,
      demos: demos, middleware: Application.middleware, client: client, telemetry: telemetry, logger: logger)
    do {
      _ = try await serve(
        [.init(service: server)] + telemetry.services + [.endsAll(session)], logger: logger)
    } catch let error as LocalQueueError {
      throw CommandError(error.description)
    }
  }

  private static var demos: [any PluginDemo.Type] { Application.plugins.compactMap { $0 as? any PluginDemo.Type } }
}

/// What `worker dev` puts in the place of the environment, so that its queues stay on this machine.
struct DevEnvironment {
  /// Stands for the name of a queue whose URL comes from the environment.
  private static let placeholder = "queue-of-routes-yaml"

  /// As it was given, and from the root.
  let directory: (given: String, absolute: String)
  /// For SQS's clients: nothing of the process's own.
  let clientVariables = [
    "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
  ]
  private let demoVariables: [String: String]

  init(directory: String, demos: [any PluginDemo.Type]) {
    let absolute = URL(fileURLWithPath: directory).standardizedFileURL.path
    self.directory = (directory, absolute)
    demoVariables = demos.reduce(into: [:]) { $0.merge($1.demoEnvironment(in: absolute)) { first, _ in first } }
  }

  /// For `routes.yaml`.
  var routesVariables: [String: String] {
    ProcessInfo.processInfo.environment
      .merging(clientVariables) { $1 }
      .merging(demoVariables) { $1 }
      .merging([
        "AWS_SQS_QUEUE_URL": "http://127.0.0.1/000000000000/\(Self.placeholder)", "AWS_SQS_ENABLED": "true",
      ]) { $1 }
  }

  /// A queue has the name that its URL gives it, and without a URL of its own the one it has in `routes.yaml`.
  func localName(of queue: QueueConfiguration) -> String {
    let name = queue.url.split(separator: "/").last.map(String.init) ?? queue.name
    return name == Self.placeholder ? queue.name : name
  }

  /// - Throws: where two queues would become one.
  func checkLocalNames(of queues: [QueueConfiguration]) throws {
    for (name, same) in Dictionary(grouping: queues, by: localName) where same.count > 1 {
      throw CommandError(
        "the queues \(same.map(\.name).joined(separator: " and ")) would both be \(name) here; let their URLs end in different names"
      )
    }
  }

  /// Writes the variables by which a shell's `worker` and `aws` find a queue.
  ///
  /// - Returns: the file's path.
  func writeFile(endpoint: String, queue: QueueConfiguration) throws -> String {
    let path = "\(directory.given)/env"
    let all = clientVariables.merging(demoVariables) { $1 }
      .merging(["AWS_REGION": queue.region, "AWS_DEFAULT_REGION": queue.region]) { $1 }
      .merging(["AWS_ENDPOINT_URL_SQS": endpoint, "AWS_SQS_QUEUE_URL": queue.url]) { $1 }
    let lines = all.sorted { $0.key < $1.key }.map { "export \($0.key)='\($0.value.replacing("'", with: #"'\''"#))'\n" }
    do {
      try ("# For a shell: . \(path)\n" + lines.joined()).write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw CommandError("cannot write \(path): \(error.localizedDescription); choose another directory with --data")
    }
    return path
  }
}
