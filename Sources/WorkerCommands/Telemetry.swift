import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import Tracing
import WorkerHTTP
import WorkerKit
import WorkerTelemetry

/// The telemetry of a process.
///
/// A command that runs services lists ``services`` before its own. A short command runs in ``whileRunning(_:)``.
struct Telemetry: Sendable {
  private let traces: SpanExporter?

  /// Sets up the telemetry that the environment's `OTEL_*` variables configure. Call it once in a process.
  ///
  /// - Parameter client: The HTTP client for exports, shared with the rest of the process.
  /// - Throws: The exit code of an invalid configuration, after printing the reason to standard error.
  static func bootstrap(
    environment: [String: String] = ProcessInfo.processInfo.environment, client: CurlClient, logger: Logger
  ) throws -> Telemetry {
    let configuration: OpenTelemetryConfiguration
    do {
      configuration = try OpenTelemetryConfiguration(environment: environment)
    } catch let error as OpenTelemetryError {
      printStatus("Error: \(error.description)")
      throw ExitCode(EX_CONFIG)
    }
    for warning in configuration.warnings {
      logger.warning("an OpenTelemetry variable is invalid", metadata: ["problem": "\(warning)"])
    }
    guard let export = configuration.traces else { return Telemetry(traces: nil) }
    let queue = SpanQueue(capacity: export.queueSize, batchSize: export.batchSize)
    InstrumentationSystem.bootstrap(
      OpenTelemetryTracer(
        sampler: configuration.sampler, propagators: configuration.propagators, limits: configuration.limits,
        queue: queue))
    let collector = Collector(export, resource: configuration.resource) { try await client.execute($0) }
    return Telemetry(traces: SpanExporter(export, queue: queue, collector: collector, logger: logger))
  }

  /// The services. List them before the services that create spans: a group stops them in reverse order.
  var services: [ServiceGroupConfiguration.ServiceConfiguration] {
    traces.map { [.beside($0)] } ?? []
  }

  /// If the services run, sends the remaining spans, and drops those that cannot be sent in time.
  func flush() async {
    await traces?.flush()
  }

  /// Runs a short command, and then sends its spans.
  func whileRunning<Result: Sendable>(_ command: () async throws -> Result) async throws -> Result {
    guard let traces else { return try await command() }
    async let _: Void = traces.run()
    do {
      let result = try await command()
      await traces.flush()
      return result
    } catch {
      await traces.flush()
      throw error
    }
  }
}
