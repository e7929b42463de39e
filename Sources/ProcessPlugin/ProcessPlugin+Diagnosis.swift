public import WorkerKit

extension ProcessPlugin: RouteDiagnosis {
  /// Whether each program is there and may be run; of mode `worker` also, whether it stays when it is started. It is given no
  /// event, and ended.
  public static func diagnose(_ routes: [RouteOptions]) async -> [Finding] {
    var programs: [(options: ProcessOptions, routes: [String])] = []
    for route in routes {
      let options = ProcessOptions(route.options)
      if let index = programs.firstIndex(where: { $0.options == options }) {
        programs[index].routes.append(route.eventType)
      } else {
        programs.append((options, [route.eventType]))
      }
    }
    return await withTaskGroup(of: (Int, Finding).self) { group in
      for (index, program) in programs.enumerated() {
        group.addTask {
          (index, await finding(program.options, routes: program.routes.joined(separator: ", ")))
        }
      }
      return await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  private static func finding(_ options: ProcessOptions, routes: String) async -> Finding {
    let program: Program
    do throws(ConfigurationValueError) {
      program = try Program(options)
    } catch {
      let places = error.problems.map { problem in
        if case .value(of: let key)? = problem.path.first { "\(key) \(problem.message)" } else { problem.message }
      }
      return .wrong("\(routes): \(places.joined(separator: "; "))")
    }
    guard options.mode == .worker else { return .ok("\(routes): \(program.path) can be executed") }
    switch await ProgramTrial(of: program) {
    case .ready(let duration):
      return .ok("\(routes): \(program.name) was ready after \(Int(duration.inSeconds * 1000)) ms")
    case .stays: return .ok("\(routes): \(program.name) starts, and stays")
    case .ends(let reason, let said):
      return .wrong(
        "\(routes): \(program.name) ends before it is handed an event: \(reason)"
          + (said.isEmpty ? "" : "; it said: \(said)"),
        remedy: "start it by hand as the worker does, with the variables under `environment` alone")
    }
  }
}
