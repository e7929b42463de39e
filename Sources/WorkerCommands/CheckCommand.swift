import ArgumentParser
import Foundation
import WorkerKit

struct CheckCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "check",
      abstract: "Validate routes.yaml, and show its routes.",
      discussion: """
        Shows every problem at once, each with its line, its column and the nearest \
        valid name. Nothing is opened and no queue is asked.

        Exit codes: 0 all is well, 78 it is not.
        """)
  }

  @OptionGroup var routesOptions: NamedRoutesOptions

  @Flag(help: "Print the routes and queues, or the problems, as JSON.")
  var json = false

  func run() async throws {
    let file: RoutesFile
    do {
      file = try routesOptions.load(for: Application.self)
      try checkRegions(of: file.queues, routes: routesOptions.routes)
    } catch let error as ConfigurationError where json {
      try printJSON(ProblemsReport(problems: error.problems.map(ProblemReport.init), omitted: error.omitted))
      throw ExitCode(EX_CONFIG)
    }
    let report = Report(file)
    if json {
      try printJSON(report)
    } else {
      try show(report.text)
      try show("\(routesOptions.routes) is valid.")
    }
  }
}

private struct ProblemsReport: Encodable {
  let problems: [ProblemReport]
  /// The number of further problems.
  let omitted: Int
}

private struct ProblemReport: Encodable {
  let line: Int
  let column: Int
  let message: String

  init(_ problem: ConfigurationProblem) {
    line = problem.line
    column = problem.column
    message = problem.message
  }
}

private struct Report: Encodable {
  struct Queue: Encodable {
    var name: String
    var url: String?
    var enabled: Bool
  }

  struct Route: Encodable {
    var eventType: String
    var handler: String
    var timeoutSeconds: Double
    var limit: String?
    var permanent: [String]
    var transient: [String]
    var otherwise: String
  }

  var queues: [Queue]
  var routes: [Route]
  var unrouted: String

  init(_ file: RoutesFile) {
    queues =
      file.queues.map { Queue(name: $0.name, url: withoutSecrets($0.url), enabled: true) }
      + file.disabledQueues.map { Queue(name: $0, url: nil, enabled: false) }
    routes = file.routes.map { route in
      func kinds(_ disposition: Disposition) -> [String] {
        route.errorPolicy.dispositions.filter { $0.value == disposition }.map(\.key.rawValue).sorted()
      }
      return Route(
        eventType: route.eventType, handler: route.handlerName, timeoutSeconds: route.timeout.inSeconds,
        limit: route.limit, permanent: kinds(.permanent), transient: kinds(.transient),
        otherwise: route.errorPolicy.otherwise.rawValue)
    }
    unrouted = file.unrouted.rawValue
  }

  var text: String {
    let queueRows = queues.map { [$0.name, $0.url ?? "disabled"] }
    let routeRows = routes.map {
      [
        $0.eventType, $0.handler, "\($0.timeoutSeconds.formatted())s",
        $0.permanent.joined(separator: " "),
      ]
    }
    return """
      \(table(["QUEUE", "URL"], queueRows))

      \(table(["EVENT TYPE", "HANDLER", "TIMEOUT", "DEAD-LETTERED AT ONCE"], routeRows + [["anything else", unrouted, "", ""]]))

      """
  }
}
