import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import WorkerAdmin
import WorkerHTTP
import WorkerKit
import WorkerSQS
import WorkerTelemetry

struct RunCommand<Application: WorkerApplication>: AsyncParsableCommand, ServiceCommand {
  static var needs: ProcessLimits.Needs { .init(threads: 6, descriptors: 48) }

  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "run",
      abstract: "Receive events and handle them, until stopped.",
      discussion: """
        SIGTERM, SIGINT (Ctrl-C) or SIGHUP stops the worker: it starts no more \
        receives, waits for those under way (waitTime at most), finishes the messages \
        received within the deadline, makes the rest visible to other workers, and \
        exits with 0. A second signal exits at once.

        With --admin, or the section `admin` of routes.yaml, it serves a console at /, \
        /metrics for Prometheus, /health/live and /health/ready. The log goes to \
        standard error.

        Exit codes: 0 stopped or empty, 1 a failure, 64 invalid arguments, \
        71 a system limit (ulimit) is too low, 75 stopped before --until-empty was \
        reached, 78 routes.yaml or an OTEL_ variable is invalid.
        """)
  }

  @OptionGroup var routesOptions: NamedRoutesOptions

  @OptionGroup var options: RunOptions

  @OptionGroup var adminOptions: AdminOptions

  func run() async throws {
    let logger = options.makeLogger(level: .info, format: .auto)
    let file = try routesOptions.load(for: Application.self)
    for name in file.disabledQueues {
      logger.notice("the queue is disabled in routes.yaml; nothing is received from it", metadata: ["queue": "\(name)"])
    }
    guard !file.queues.isEmpty else {
      try show("Every queue is disabled (`enabled: false`, AWS_SQS_ENABLED=false): there is nothing to do.")
      return
    }
    // The metrics have to exist before anything records them.
    let address = adminOptions.configuration(over: file.admin)
    let admin = address.map(Admin.init)
    let client = CurlClient()
    let telemetry = try Telemetry.bootstrap(client: client, logger: logger)
    let session = RunSession(
      file: file, options: options, middleware: Application.middleware, observers: admin.map { [$0.flow] } ?? [],
      client: client, telemetry: telemetry, measuresQueues: admin != nil, logger: logger)
    let wasStopped: Bool
    do {
      if let address { try await AdminServer.checkAddress(address) }
      let examination = DoctorExamination(
        file: file, plugins: Application.plugins, routes: routesOptions.routes, admin: address)
      let server = try admin?.server(
        for: file, routes: routesOptions.routes, startup: session.startup, consumers: { session.consumers },
        examination: { examination })
      wasStopped = try await serve(
        (server.map { [.beside($0)] } ?? []) + telemetry.services + [.endsAll(session)],
        logger: logger)
    } catch let error as AdminServerError {
      throw CommandError(error.description)
    }
    if options.untilEmpty { try session.printSummary(wasStopped: wasStopped) }
  }
}
