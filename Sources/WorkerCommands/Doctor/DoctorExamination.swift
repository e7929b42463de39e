import Foundation
import WorkerHTTP
import WorkerKit
import WorkerSQS

/// What the doctor looks at, in its order: for the command, and for the console of a worker that runs.
struct DoctorExamination: Sendable {
  private let file: RoutesFile
  private let problems: [ConfigurationProblem]
  private(set) var queues: [QueueConfiguration]
  private let plugins: [any WorkerPlugin.Type]
  private let surroundings: DoctorSurroundings
  /// One that runs on this machine, where the configuration says where.
  private let worker: RunningWorker?
  /// Whether it is asked how it is; a worker does not ask itself.
  var asksWorker = false

  /// - Parameters:
  ///   - problems: Of the file.
  ///   - routes: The file's path.
  ///   - admin: Where a worker serves its health; nil where nothing says so.
  init(
    file: RoutesFile, problems: [ConfigurationProblem] = [], plugins: [any WorkerPlugin.Type], routes: String,
    admin: AdminConfiguration?, environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.file = file
    self.problems = problems
    self.plugins = plugins
    queues = file.queues.map { $0.withRegion(environment: environment) }
    surroundings = DoctorSurroundings(
      environment: environment, routes: routes, hasSeveralQueues: file.queues.count > 1, region: queues.first?.region)
    worker = RunningWorker(admin, client: surroundings.client)
  }

  /// Other queues than the file's.
  mutating func check(_ queues: [QueueConfiguration]) {
    self.queues = queues.map { $0.withRegion(environment: surroundings.environment) }
  }

  func run(_ report: DoctorReport) async {
    report.add(
      ConfigurationCheck(file: file, problems: problems, queues: queues, surroundings: surroundings).findings(),
      on: .configuration)
    let hasCredentials = await checkCredentials(report)
    for queue in queues {
      let check = QueueCheck(
        queue: queue, file: file, worker: worker, hasCredentials: hasCredentials, surroundings: surroundings)
      await check.run(report)
    }
    for plugin in plugins where file.uses(plugin) {
      report.add(await PluginCheck(plugin: plugin, file: file).findings(), on: .plugin(plugin.name))
    }
    if asksWorker, let worker {
      report.add(await WorkerCheck(worker: worker).findings(), on: .worker)
    }
  }

  /// - Returns: whether there are credentials to ask a queue with.
  private func checkCredentials(_ report: DoctorReport) async -> Bool {
    report.add([await CredentialsCheck(queues: queues, surroundings: surroundings).finding()], on: .credentials)
    for endpoint in surroundings.endpoints(of: queues) {
      report.add([await ClockCheck(endpoint: endpoint, client: surroundings.client).finding()], on: .clock)
    }
    return await surroundings.credentials.source != nil
  }
}
