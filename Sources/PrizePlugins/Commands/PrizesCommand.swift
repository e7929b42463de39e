import ArgumentParser
import WorkerKit

/// `prizes`: what an operator does with the prize database.
struct PrizesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prizes",
    abstract: "Import what can be awarded, and look up what people hold.",
    discussion: """
      Both commands use the database that plugins.prizes.database names in routes.yaml, and may run beside the worker.
      """,
    subcommands: [ImportCommand.self, HoldingsCommand.self])
}

/// Which prize database to use.
struct DatabaseOptions: ParsableArguments {
  @Option(help: "The file that names the database, under plugins.prizes.database.")
  var routes = "routes.yaml"

  func database() throws -> PrizeDatabase {
    try RoutesFile.pluginConfiguration(for: PrizePlugin.self, inFileAt: routes)[PrizePlugin.database]
  }
}
