import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import WorkerAdmin
import WorkerKit
import WorkerTelemetry

struct RunCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "run",
      abstract: "Receive events and handle them, until stopped.",
      discussion: """
        SIGTERM or SIGINT (Ctrl-C) stops receiving at once, lets what is in hand \
        finish within the deadline, makes the rest visible again for other workers, \
        and exits with 0. A second signal exits at once.

        With --admin, or the section `admin` of routes.yaml, it serves /metrics for \
        Prometheus, /health/live and /health/ready. The log goes to standard error.

        Exit codes: 0 stopped or empty, 1 a failure, 64 wrong arguments, \
        75 stopped before --until-empty was reached, 78 routes.yaml or an OTEL_ variable \
        is wrong.
        """)
  }

  @OptionGroup var routesOptions: RoutesOptions

  @OptionGroup var options: RunOptions

  @OptionGroup var adminOptions: AdminOptions

  func run() async throws {
    let logger = options.makeLogger(level: .info, format: .auto)
    let file = try exitingOnProblems { try routesOptions.load(for: Application.self) }
    for name in file.disabledQueues {
      logger.notice("the queue is disabled in routes.yaml; nothing is received from it", metadata: ["queue": "\(name)"])
    }
    guard !file.queues.isEmpty else {
      print("Every queue is disabled (`enabled: false`, AWS_SQS_ENABLED=false): there is nothing to do.")
      return
    }
    // Metrics before all that records them.
    let admin = (adminOptions.admin ?? file.admin).map(Admin.init)
    let client = CurlClient()
    let telemetry = try Telemetry.bootstrap(client: client, logger: logger)
    let consumers = try Consumers(
      of: file.queues, table: try await file.makeRoutingTable(), options: options, middleware: Application.middleware,
      tracing: file.tracing, client: client, telemetry: telemetry, logger: logger)
    let wasStopped: Bool
    do {
      wasStopped = try await serve(
        (admin?.services(for: consumers) ?? []).map(ServiceGroupConfiguration.ServiceConfiguration.beside)
          + telemetry.services + [.endsAll(consumers)],
        logger: logger)
    } catch let error as AdminServerError {
      throw CommandError(error.description)
    }
    if options.untilEmpty { try consumers.printSummary(wasStopped: wasStopped) }
  }
}
