import ArgumentParser
import CoreMetrics
import Logging
import ServiceLifecycle
import WorkerAdmin
import WorkerKit
import WorkerTelemetry

/// Where a command serves metrics and health.
struct AdminOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Serve /metrics and /health there, instead of where routes.yaml says: 9464, or 0.0.0.0:9464 for the network.",
      valueName: "[host:]port"),
    transform: { try AdminConfiguration(argument: $0) })
  var admin: AdminConfiguration?
}

extension AdminConfiguration {
  /// `9464`, `0.0.0.0:9464` or `[::1]:9464`.
  init(argument: String) throws {
    let colon = argument.lastIndex(of: ":")
    let port = colon.map { argument[argument.index(after: $0)...] } ?? argument[...]
    let host = colon.map { String(argument[..<$0]) }
    guard let number = Int(port), (0...65_535).contains(number), host != "" else {
      throw ValidationError("`\(argument)` is no [host:]port, such as 9464, 0.0.0.0:9464 or [::1]:9464")
    }
    let isBracketed = host.map { $0.hasPrefix("[") && $0.hasSuffix("]") } ?? false
    self.init(
      host: (isBracketed ? host.map { String($0.dropFirst().dropLast()) } : host) ?? Self.defaultHost, port: number)
  }
}

/// Metrics and health of a process. Made before anything is recorded.
struct Admin {
  private let configuration: AdminConfiguration
  private let metrics: PrometheusMetrics
  private let logger = Logger(label: "worker.admin")

  init(_ configuration: AdminConfiguration) {
    self.configuration = configuration
    metrics = PrometheusMetrics(logger: logger)
    MetricsSystem.bootstrap(metrics)
  }

  /// To stand before the consumers in their group, so that they end before these.
  func services(for consumers: Consumers) -> [any Service] {
    let server = AdminServer(
      configuration: configuration,
      consumers: { consumers.services.map(\.consumer.status) },
      metrics: { [metrics] accept in
        let page = metrics.exposition(accepting: accept)
        return AdminServer.Page(contentType: page.contentType, text: page.text)
      },
      logger: logger)
    return [server, QueueDepthMonitor(queues: consumers.queues, logger: logger)]
  }
}
