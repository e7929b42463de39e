import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import Tracing
import WorkerKit
import WorkerTelemetry

/// What a process tells of itself to those who watch it.
///
/// A command that runs services puts ``services`` before its own; a short one runs inside ``whileRunning(_:)``.
struct Telemetry: Sendable {
  private let traces: SpanExporter?

  /// Sets up what the environment's `OTEL_*` variables ask for. Once in a process.
  ///
  /// - Parameter client: Carries exports beside everything else.
  /// - Throws: the exit code of a wrong configuration, where a variable cannot be followed; why is on standard error.
  static func bootstrap(
    environment: [String: String] = ProcessInfo.processInfo.environment, client: CurlClient, logger: Logger
  ) throws -> Telemetry {
    let configuration: OpenTelemetryConfiguration
    do {
      configuration = try OpenTelemetryConfiguration(environment: environment)
    } catch let error as OpenTelemetryError {
      note("Error: \(error.description)")
      throw ExitCode(EX_CONFIG)
    }
    for warning in configuration.warnings {
      logger.warning("an OpenTelemetry variable is wrong", metadata: ["problem": "\(warning)"])
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

  /// To stand before the services that make spans: a group stops them in the reverse order.
  var services: [ServiceGroupConfiguration.ServiceConfiguration] {
    traces.map { [.beside($0)] } ?? []
  }

  /// Sends what is left, where the services run, and gives up what cannot be sent in time.
  func flush() async {
    await traces?.flush()
  }

  /// Runs a short command, and sends what it left.
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
