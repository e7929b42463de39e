import ArgumentParser
import CoreMetrics
import Logging
import ServiceLifecycle
import WorkerAdmin
import WorkerKit
import WorkerTelemetry

/// The options for where a command serves metrics and health.
struct AdminOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Serve the console, /metrics and /health on this address instead of that in routes.yaml: 9464, or 0.0.0.0:9464 for all interfaces.",
      valueName: "[host:]port"),
    transform: { try AdminConfiguration(argument: $0) })
  var admin: AdminConfiguration?

  /// The section in routes.yaml with this address instead of its own; nil if there is neither.
  func configuration(over section: AdminConfiguration?) -> AdminConfiguration? {
    guard let admin else { return section }
    var configuration = section ?? admin
    configuration.host = admin.host
    configuration.port = admin.port
    return configuration
  }
}

extension AdminConfiguration {
  /// Parses `9464`, `0.0.0.0:9464` or `[::1]:9464`.
  init(argument: String) throws {
    let colon = argument.lastIndex(of: ":")
    let port = colon.map { argument[argument.index(after: $0)...] } ?? argument[...]
    let host = colon.map { String(argument[..<$0]) }
    guard let number = Int(port), (0...65_535).contains(number), host != "" else {
      throw ValidationError("`\(argument)` is not a [host:]port, such as 9464, 0.0.0.0:9464 or [::1]:9464")
    }
    let isBracketed = host.map { $0.hasPrefix("[") && $0.hasSuffix("]") } ?? false
    self.init(
      host: (isBracketed ? host.map { String($0.dropFirst().dropLast()) } : host) ?? Self.defaultHost, port: number)
  }
}

/// The metrics and the health of a process. Create it before anything is recorded.
struct Admin {
  /// To be told of the handling of every event.
  let flow = FlowRecorder()
  private let configuration: AdminConfiguration
  private let metrics: PrometheusMetrics
  private let logger = Logger(label: "worker.admin")

  init(_ configuration: AdminConfiguration) {
    self.configuration = configuration
    metrics = PrometheusMetrics(logger: logger)
    MetricsSystem.bootstrap(metrics)
  }

  /// To stand before the session in its group, so that it serves while that starts, and ends after it.
  ///
  /// - Parameters:
  ///   - consumers: nil until they have started.
  ///   - examination: What the doctor looks at.
  ///   - mayTakeAnyPort: Where another has the one that is asked for.
  /// - Throws: an ``AdminServerError`` where the configuration cannot be followed.
  func server(
    for file: RoutesFile, routes: String, startup: Startup, consumers: @escaping @Sendable () -> Consumers?,
    examination: @escaping @Sendable () -> DoctorExamination?, mayTakeAnyPort: Bool = false,
    onListening: @escaping @Sendable (String) -> Void = { _ in }
  ) throws -> any Service {
    let source = ConsoleSource(
      consumers: { consumers()?.services.map(\.consumer.status) ?? [] },
      queues: { consumers()?.queues ?? [] },
      plugins: { consumers()?.consoles ?? [] },
      diagnose: { await examination()?.findings() ?? [] },
      routes: file, routesPath: routes, command: binaryName)
    let console = try Console(configuration, source: source, flow: flow, logger: logger)
    @Sendable func server(at configuration: AdminConfiguration) -> AdminServer {
      AdminServer(
        configuration: configuration, console: console,
        startup: { startup.activity },
        consumers: source.consumers,
        hangs: { await consumers()?.findHangs() ?? [] },
        metrics: { [metrics] accept in
          let page = metrics.exposition(accepting: accept)
          return AdminServer.Page(contentType: page.contentType, text: page.text)
        },
        onListening: onListening,
        logger: logger)
    }
    guard mayTakeAnyPort else { return server(at: configuration) }
    return AnyPortServer { port in
      var configuration = configuration
      configuration.port = port ?? configuration.port
      return server(at: configuration)
    }
  }
}

/// Takes any port that is free where another has the first.
private struct AnyPortServer: Service {
  /// nil for the configuration's port.
  let server: @Sendable (_ port: Int?) -> AdminServer

  func run() async throws {
    do {
      try await server(nil).run()
    } catch let error as AdminServerError where error.isPortTaken {
      try await server(0).run()
    }
  }
}
