import ArgumentParser
public import WorkerKit

/// A worker binary: the plugins that it carries. Everything else is the framework's.
///
///     @main struct MyBotWorker: WorkerApplication {
///       static let plugins: [any Plugin.Type] = [PrizePlugin.self, RafflePlugin.self]
///     }
///
/// The binary has the commands `run`, `check`, `doctor`, `send`, `schema`, `dead-letters`, `dev` and `local-queue`, and those
/// of its plugins.
public protocol WorkerApplication {
  static var plugins: [any Plugin.Type] { get }

  /// Middleware of the application's own, inside the framework's logging, metrics and tracing. None by default.
  static var middleware: [any Middleware] { get }
}

extension WorkerApplication {
  public static var middleware: [any Middleware] { [] }

  /// The binary's entry point.
  public static func main() async {
    await RootCommand<Self>.main()
  }
}

struct RootCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    let name = binaryName
    return CommandConfiguration(
      commandName: name,
      abstract: "Handles the events of SQS queues, as routes.yaml says.",
      discussion: """
        A first run:
          \(name) dev                 see it work, on a local queue of its own

        In another terminal after that, or with a queue of yours:
          . .worker/env               let these find the queue of dev
          \(name) check               see that routes.yaml is right, and what it routes
          \(name) doctor              see what keeps it from working, and what mends it
          \(name) send event.json     put an event into the queue
          \(name) run --until-empty   handle what is there, and stop

        The queue's URL, the region and the credentials come from routes.yaml and \
        from the environment: AWS_SQS_QUEUE_URL, AWS_REGION, AWS_ACCESS_KEY_ID, \
        AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_ENDPOINT_URL_SQS.
        """,
      subcommands: [
        RunCommand<Application>.self, CheckCommand<Application>.self, DoctorCommand<Application>.self,
        SendCommand<Application>.self, SchemaCommand<Application>.self, DeadLettersCommand<Application>.self,
        DevCommand<Application>.self, LocalQueueCommand.self,
      ] + Application.plugins.flatMap { ($0 as? any PluginCommands.Type)?.commands ?? [] })
  }
}

/// What people type to run this binary.
var binaryName: String { CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "worker" }

/// What every command that reads `routes.yaml` takes.
struct RoutesOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The routing table.", valueName: "file"))
  var routes = Self.defaultPath

  static let defaultPath = "routes.yaml"

  func load<Application: WorkerApplication>(for application: Application.Type) throws -> RoutesFile {
    try RoutesFile(path: routes, plugins: application.plugins)
  }
}

extension RoutesFile {
  /// The queue that a command is about.
  ///
  /// - Parameters:
  ///   - name: As `--queue` gives it: under `queues:`, or at the end of its URL, as the log has it. Not needed where
  ///     there is only one.
  ///   - routes: The file's path.
  func queue(named name: String?, routes: String) throws -> QueueConfiguration {
    let names = queues.map(\.name).joined(separator: ", ")
    if let name {
      guard
        let found = queues.first(where: { $0.name == name }) ?? queues.first(where: { $0.url.hasSuffix("/\(name)") })
      else {
        throw CommandError("\(routes) has no enabled queue \(name); it has: \(names)")
      }
      return found
    }
    guard let only = queues.first, queues.count == 1 else {
      throw CommandError(
        queues.isEmpty
          ? "every queue of \(routes) is disabled (`enabled: false`, AWS_SQS_ENABLED=false)"
          : "\(routes) has several queues; name one with --queue: \(names)")
    }
    return only
  }
}
