import ArgumentParser
import Foundation
import WorkerKit

/// `prizes`: what an operator does with the prize database.
struct PrizesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prizes",
    abstract: "Import the prize catalog, show what users own, report what was awarded, and copy the database.",
    discussion: """
      The commands use the database that plugins.prizes.database names in routes.yaml, and may run beside the worker.
      """,
    subcommands: [ImportCommand.self, HoldingsCommand.self, ReportCommand.self, CopyCommand.self])
}

/// Which prize database to use.
struct DatabaseOptions: ParsableArguments {
  @Option(help: "The file that names the database, under plugins.prizes.database.")
  var routes = "routes.yaml"

  /// - Throws: a `ConfigurationError`.
  func database() throws -> PrizeDatabase {
    let database = try database(in: ProcessInfo.processInfo.environment)
    if let warning = DevVariables.warning(unless: { try self.database(in: $0) == database }) {
      try? FileHandle.standardError.write(contentsOf: Data("\(TerminalText.line(warning))\n".utf8))
    }
    return database
  }

  private func database(in environment: [String: String]) throws -> PrizeDatabase {
    try RoutesFile.pluginConfiguration(for: PrizePlugin.self, inFileAt: routes, environment: environment)[
      PrizePlugin.database]
  }
}
