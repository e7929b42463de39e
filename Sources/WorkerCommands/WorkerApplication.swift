import ArgumentParser
import Foundation
import LocalQueue
import WorkerHTTP
public import WorkerKit
import WorkerSQS
import WorkerTelemetry

/// A worker binary, defined by its plugins.
///
///     @main struct MyBotWorker: WorkerApplication {
///       static let plugins: [any WorkerPlugin.Type] = [PrizePlugin.self, RafflePlugin.self]
///     }
///
/// The binary has the commands `run`, `check`, `doctor`, `send`, `schema`, `dead-letters`, `dev` and `local-queue`, and
/// the commands of its plugins.
public protocol WorkerApplication {
  /// The plugins in the binary.
  static var plugins: [any WorkerPlugin.Type] { get }

  /// The application's own middleware. It runs inside the framework's logging, metrics and tracing. Empty by default.
  static var middleware: [any EventMiddleware] { get }
}

extension WorkerApplication {
  public static var middleware: [any EventMiddleware] { [] }

  /// The entry point of the binary.
  ///
  /// It runs on the main actor, so that it starts on the process's first thread: further threads may be impossible.
  @MainActor public static func main() async {
    endOnSignalsAsFirstProcess()
    do {
      try CommandName.check(Array(CommandLine.arguments.dropFirst()), of: RootCommand<Self>.self)
      var command = try RootCommand<Self>.parseAsRoot()
      guard var asynchronous = command as? any AsyncParsableCommand else { return try command.run() }
      try ProcessLimits.check((type(of: asynchronous) as? any ServiceCommand.Type)?.needs ?? .shortCommand)
      try await asynchronous.run()
      // Output of a plugin's command.
      if fflush(nil) != 0 { throw OutputError(file: "standard output", number: errno) }
    } catch let error as ProcessLimitError {
      printStatus("Error: \(error.description)")
      Foundation.exit(EX_OSERR)
    } catch let error as OutputError {
      // The exit code of a program whose output pipe was closed, as shells report it. There is no reader to report the
      // error to.
      if error.isReaderGone { Foundation.exit(128 + SIGPIPE) }
      printStatus("Error: \(error)")
      Foundation.exit(EX_IOERR)
    } catch {
      // Plugin commands report an invalid configuration in the same way as the framework's commands.
      RootCommand<Self>.exit(showing: exitStatus(for: error))
    }
  }
}

extension RootCommand {
  /// Prints an error. It can contain text of a file or a queue, whose terminal control sequences are escaped.
  fileprivate static func exit(showing error: any Error) -> Never {
    let message = fullMessage(for: error)
    guard message.unicodeScalars.contains(where: { TerminalText.isUnprintable($0) && $0 != "\n" && $0 != "\t" }) else {
      exit(withError: error)
    }
    printStatus(message)
    Foundation.exit(exitCode(for: error).rawValue)
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
          \(name) dev                 run the worker on a local queue

        In another terminal after that, or with a queue of yours:
          . .worker/env               set the variables for the queue of dev
          \(name) check               validate routes.yaml and show its routes
          \(name) doctor              find problems and how to fix them
          \(name) send event.json     send an event to the queue
          \(name) run --until-empty   handle the queue's messages and stop

        The queue's URL, the region and the credentials come from routes.yaml and \
        from the environment: AWS_SQS_QUEUE_URL, AWS_REGION, AWS_ACCESS_KEY_ID, \
        AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_ENDPOINT_URL_SQS.
        """,
      version: ([
        "\(name) \(WorkerVersion.current)", CurlClient.libraryVersion, SQSQueue.libraryVersion,
        "SQLite \(LocalQueueServer.sqliteVersion)",
      ] + Application.plugins.flatMap { ($0 as? any PluginLibraries.Type)?.libraries ?? [] }).joined(separator: "\n"),
      subcommands: [
        RunCommand<Application>.self, CheckCommand<Application>.self, DoctorCommand<Application>.self,
        SendCommand<Application>.self, SchemaCommand<Application>.self, DeadLettersCommand<Application>.self,
        DevCommand<Application>.self, LocalQueueCommand.self, AdminCommand.self,
      ] + Application.plugins.flatMap { ($0 as? any PluginCommands.Type)?.commands ?? [] })
  }
}

/// The name of this binary, as the user typed it.
var binaryName: String { CommandLine.arguments.first?.split(separator: "/").last.map(String.init) ?? "worker" }

/// The options of all commands that read `routes.yaml`.
struct RoutesOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The routing table.", valueName: "file"))
  var routes = Self.defaultPath

  static let defaultPath = "routes.yaml"

  func load<Application: WorkerApplication>(for application: Application.Type) throws -> RoutesFile {
    try RoutesFile(path: routes, plugins: application.plugins)
  }
}

/// The same options for a command without other arguments, which accepts the file without `--routes`.
struct NamedRoutesOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The routing table, as --routes names it.", valueName: "routes.yaml"))
  var file: String?

  @OptionGroup var options: RoutesOptions

  var routes: String { file ?? options.routes }

  func validate() throws {
    guard file == nil || options.routes == RoutesOptions.defaultPath else {
      throw ValidationError("name one file: \(file ?? "") or --routes \(options.routes)")
    }
  }

  func load<Application: WorkerApplication>(for application: Application.Type) throws -> RoutesFile {
    try RoutesFile(path: routes, plugins: application.plugins)
  }
}

extension RoutesFile {
  /// The warning for a shell that uses another queue than `worker dev` in this folder.
  func devWarning<Application: WorkerApplication>(
    about queue: QueueConfiguration, _ options: RoutesOptions, for application: Application.Type
  ) -> String? {
    let environment = ProcessInfo.processInfo.environment
    return DevVariables.warning(environment: environment) { variables in
      let theirs = try RoutesFile(path: options.routes, plugins: application.plugins, environment: variables)
      let endpoint = "AWS_ENDPOINT_URL_SQS"
      return theirs.queues.contains { $0.name == queue.name && $0.url == queue.url }
        && environment[endpoint] == variables[endpoint]
    }
  }

  /// The queue for a command.
  ///
  /// - Parameters:
  ///   - name: The value of `--queue`: the name under `queues:`, or the last part of the URL, as in the log. nil is
  ///     valid if there is only one queue.
  ///   - routes: The path of the file.
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
