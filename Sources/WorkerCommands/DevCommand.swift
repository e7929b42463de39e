import ArgumentParser
import Foundation
import LocalQueue
import Logging
import ServiceLifecycle
import WorkerAdmin
import WorkerHTTP
import WorkerKit
import WorkerSQS
import WorkerTelemetry

struct DevCommand<Application: WorkerApplication>: AsyncParsableCommand, ServiceCommand {
  static var needs: ProcessLimits.Needs { .init(threads: 9, descriptors: 64) }

  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "dev",
      abstract: "Run the worker on a local queue, without AWS.",
      discussion: """
        Starts a local queue server, creates the queues of routes.yaml with a \
        dead-letter queue each, and handles their messages. The first run also sends \
        the demo events of the plugins. It prints the outcome of each event, and what \
        handlers log. Without a routes.yaml, it uses the routes of the plugins' demos.

        It uses no other queue, whatever routes.yaml and the environment contain. \
        Handlers use the settings of routes.yaml. If these name a plugin's store, \
        instead of an environment variable, the plugin sends no demo events. A later \
        run continues with the same data. Ctrl-C ends it.

        Exit codes: as those of run.
        """)
  }

  @OptionGroup var routesOptions: NamedRoutesOptions

  @OptionGroup var queueOptions: LocalQueueOptions

  @OptionGroup var options: RunOptions

  @OptionGroup var adminOptions: AdminOptions

  func run() async throws {
    let logger = options.makeLogger(level: .error, format: .text)
    try queueOptions.checkFolder()
    var surroundings = DevEnvironment(directory: queueOptions.data, demos: Self.demos)
    let routes = DevRoutes(path: routesOptions.routes, demos: Self.demos, directory: queueOptions.data)
    let file = try routes.load(plugins: Application.plugins) { urlVariables in
      surroundings.urlVariables = urlVariables
      return surroundings.routesVariables
    }
    try surroundings.checkLocalNames(of: file.queues)
    let demos = Self.demos.filter {
      file.uses($0) && $0.isDemo(file.configuration(of: $0), in: surroundings.directory.absolute)
    }
    var configuration = queueOptions.configuration
    configuration.queues = file.queues.map { queue in
      .init(
        surroundings.localName(of: queue), region: queue.region ?? AWSSettings.fallbackRegion,
        visibilityTimeout: Int(queue.visibilityTimeout.components.seconds), maxReceiveCount: queue.maxReceiveCount)
    }
    let ready = AsyncValue<LocalQueueServer.Ready?>(nil)
    let status = options.untilEmpty ? EX_TEMPFAIL : EXIT_SUCCESS
    let serverStartup = Startup(exitStatus: status)
    let server = LocalQueueServer(configuration: configuration, logger: logger) { value in
      serverStartup.end()
      ready.update { $0 = value }
    }
    // What runs until its queue is empty is nothing to look at, unless it is asked for.
    let admin =
      options.untilEmpty && adminOptions.admin == nil
      ? nil : Admin(adminConfiguration(file, directory: queueOptions.data))
    let client = CurlClient()
    let telemetry = try Telemetry.bootstrap(client: client, logger: logger)
    let report = DevReport(
      handlerLevel: options.logLevel == nil ? .info : nil)
    let session = DevSession(
      file: file, routes: routes, surroundings: surroundings, ready: ready, options: options, demos: demos,
      middleware: Application.middleware, observers: admin.map { [$0.flow] } ?? [], report: report, client: client,
      telemetry: telemetry, startup: Startup(exitStatus: status), logger: logger, hasConsole: admin != nil)
    do {
      let plugins = Application.plugins
      let console = try admin?.server(
        for: file, routes: routes.path, startup: session.startup, consumers: { session.consumers },
        examination: { session.examination(plugins) },
        mayTakeAnyPort: adminOptions.admin == nil, onListening: { address in session.console.update { $0 = address } })
      _ = try await serve(
        [.init(service: StartingService(base: server, startup: serverStartup))]
          + (console.map { [.beside($0)] } ?? []) + telemetry.services + [.endsAll(session)],
        logger: logger)
    } catch let error as LocalQueueError {
      throw CommandError(error.description)
    } catch let error as AdminServerError {
      throw CommandError(error.description)
    }
  }

  /// On loopback, whatever routes.yaml says, and to everyone there; its files are beside the queue's.
  private func adminConfiguration(_ file: RoutesFile, directory: String) -> AdminConfiguration {
    var configuration =
      adminOptions.admin ?? AdminConfiguration(port: file.admin?.port ?? AdminConfiguration.defaultPort)
    configuration.traceLink = file.admin?.traceLink
    configuration.users = adminOptions.admin?.isLoopback ?? true ? [:] : file.admin?.users ?? [:]
    configuration.folder = "\(directory)/console"
    return configuration
  }

  private static var demos: [any PluginDemo.Type] { Application.plugins.compactMap { $0 as? any PluginDemo.Type } }
}

/// The environment of `worker dev`, which replaces the process's environment so that its queues stay on this machine.
struct DevEnvironment {
  /// A placeholder for the name of a queue whose URL comes from the environment.
  private static let placeholder = "queue-of-routes-yaml"
  private static let placeholderURL = "http://127.0.0.1/000000000000/\(placeholder)"

  /// The directory as given, and as an absolute path.
  let directory: (given: String, absolute: String)
  /// The variables for SQS clients. None of them comes from the process's environment.
  let clientVariables = [
    "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
  ]
  /// The same variables, without a profile's endpoint, because the queues' URLs contain the endpoint.
  var queueVariables: [String: String] {
    clientVariables.merging(["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"]) { $1 }
  }
  private let demoVariables: [String: String]
  /// The variables that `routes.yaml` uses for queue URLs, by the queues' names.
  var urlVariables: [String: String] = [:]

  init(directory: String, demos: [any PluginDemo.Type]) {
    let absolute = URL(fileURLWithPath: directory).standardizedFileURL.path
    self.directory = (directory, absolute)
    demoVariables = demos.reduce(into: [:]) { $0.merge($1.demoEnvironment(in: absolute)) { first, _ in first } }
  }

  /// The variables for `routes.yaml`.
  var routesVariables: [String: String] {
    ProcessInfo.processInfo.environment
      .filter { !$0.key.hasPrefix("AWS_ENDPOINT_URL") }
      .merging(clientVariables) { $1 }
      .merging(demoVariables) { $1 }
      .merging((urlVariables.values + ["AWS_SQS_QUEUE_URL"]).map { ($0, Self.placeholderURL) }) { $1 }
      .merging(["AWS_SQS_ENABLED": "true"]) { $1 }
  }

  /// The local name of a queue: the name in its URL or, without a URL of its own, its name in `routes.yaml`.
  func localName(of queue: QueueConfiguration) -> String {
    let name = queue.url.split(separator: "/").last.map(String.init) ?? queue.name
    return name == Self.placeholder ? queue.name : name
  }

  /// Checks that the local names are unique.
  ///
  /// - Throws: If two queues would have the same name.
  func checkLocalNames(of queues: [QueueConfiguration]) throws {
    for (name, same) in Dictionary(grouping: queues, by: localName) where same.count > 1 {
      throw CommandError(
        "the queues \(same.map(\.name).joined(separator: " and ")) would both be \(name) here; let their URLs end in different names"
      )
    }
  }

  /// Writes a file with the variables by which `worker` in a shell finds the queues, and `aws` the first queue.
  ///
  /// - Returns: The path of the file.
  func writeFile(endpoint: String, queues: [QueueConfiguration], of file: RoutesFile) throws -> String {
    let path = "\(directory.given)/env"
    let region = queues.first?.region ?? AWSSettings.fallbackRegion
    let urls = queues.compactMap { queue in urlVariables[queue.name].map { ($0, queue.url) } }
    let all = clientVariables.merging(demoVariables.filter { file.variables.contains($0.key) }) { $1 }
      .merging(["AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_ENDPOINT_URL_SQS": endpoint]) { $1 }
      .merging(queues.prefix(1).map { ("AWS_SQS_QUEUE_URL", $0.url) } + urls) { $1 }
    do {
      try DevVariables.text(all, path: path).write(toFile: path, atomically: true, encoding: .utf8)
    } catch {
      throw CommandError("cannot write \(path): \(error.localizedDescription); choose another directory with --data")
    }
    return path
  }
}
