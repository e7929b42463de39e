public import WorkerKit
import WorkerLocks

/// Hands events to programs in any language: `process.run`.
///
///     routes:
///       RAFFLE_WON:
///         handler: process.run
///         with: { command: [python3, raffle.py], directory: bots/raffle, environment: [DB_URL] }
///
/// Routes that say the same under `with` share their processes.
public final class ProcessPlugin: PluginService {
  public static let name = "process"

  public static func register(in handlers: inout HandlerRegistry<ProcessPlugin>) {
    handlers.add("run", configurationKeys: ProcessOptions.Keys.all) { plugin, values in
      try plugin.handler(for: ProcessOptions(values))
    }
  }

  private let host = ProcessHost()
  private let handlers = Mutex<[ProcessOptions: RunHandler]>([:])

  public init(configuration: ConfigurationValues) {}

  /// Runs the processes, and ends them when it is cancelled.
  public func run() async throws {
    await host.run()
  }

  private func handler(for options: ProcessOptions) throws -> RunHandler {
    try handlers.withLock { handlers in
      if let handler = handlers[options] { return handler }
      let program = try Program(options)
      // A program that is run in two ways fails in one of them, perhaps.
      let namesakes = handlers.values.count { $0.program.name == program.name }
      let name = namesakes == 0 ? program.name : "\(program.name) (\(namesakes + 1))"
      let handler = RunHandler(program: program, name: name, options: options, host: host)
      handlers[options] = handler
      return handler
    }
  }
}

/// Hands a route's events to its program.
struct RunHandler: DependentHandler {
  let program: Program
  let dependency: HandlerDependency
  private let runner: any EventRunner

  init(program: Program, name: String, options: ProcessOptions, host: ProcessHost) {
    self.program = program
    switch options.mode {
    case .worker:
      let pool = ProcessPool(program: program, options: options, host: host)
      runner = pool
      dependency = HandlerDependency(name) { try await pool.checkHealth() }
    case .once:
      runner = SingleProcesses(program: program, limit: options.processes, host: host)
      dependency = HandlerDependency(name)
    }
  }

  func handle(_ event: RawEvent, context: HandlerContext) async throws {
    try await runner.handle(event, context)
  }
}

/// A way of handing events to a program.
protocol EventRunner: Sendable {
  /// - Throws: an `EventError` where the event was not handled; `CancellationError` as soon as the task is cancelled.
  func handle(_ event: RawEvent, _ context: HandlerContext) async throws
}
