import ArgumentParser
import Foundation
import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct CommandTests {
  @Test func offersItsCommands() throws {
    #expect(PrizePlugin.commands.map { $0._commandName } == ["prizes"])
    let importing = try PrizesCommand.parseAsRoot(["import", "catalog.yaml"]) as? ImportCommand
    #expect(importing?.catalog == "catalog.yaml")
    #expect(importing?.options.routes == "routes.yaml")
    let holdings = try PrizesCommand.parseAsRoot(["holdings", "--user", "alice", "--json"]) as? HoldingsCommand
    #expect(holdings?.user == "alice")
    #expect(holdings?.json == true)
  }

  @Test(arguments: [["holdings"], ["holdings", "--user", ""], ["import"], ["import", "a.yaml", "--database", "x"]])
  func refuses(_ arguments: [String]) {
    #expect(throws: (any Error).self) { try PrizesCommand.parseAsRoot(arguments) }
  }

  @Test func saysWhatToWrite() {
    let help = PrizesCommand.helpMessage(for: ImportCommand.self, columns: 100)
    #expect(help.contains("worker prizes import catalog.yaml"))
    #expect(PrizesCommand.helpMessage(for: HoldingsCommand.self).contains("--user <id>"))
  }

  /// The catalog in the help text is one that can be imported.
  @Test func showsACatalogThatCanBeRead() throws {
    let help = ImportCommand.configuration.discussion
    let start = try #require(help.range(of: "  communities:"))
    let end = try #require(help.range(of: "\n\nThe whole file"))
    let catalog = try CatalogReader.read(String(help[start.lowerBound..<end.lowerBound]), file: "help")
    #expect(catalog.communities.count == 1 && catalog.characters.count == 1 && catalog.accounts.count == 1)
  }

  @Test func namesAFileThatCannotBeRead() async throws {
    try await Fixture.withFolder { folder in
      let missing = folder.appending(path: "missing.yaml").path
      #expect {
        try ImportCommand.text(ofFileAt: missing)
      } throws: {
        "\($0)" == "cannot read \(missing): there is no such file"
      }
      let binary = folder.appending(path: "binary.yaml")
      try Data([0xFF, 0xFE, 0x00]).write(to: binary)
      #expect {
        try ImportCommand.text(ofFileAt: binary.path)
      } throws: {
        "\($0)" == "cannot read \(binary.path): it is not UTF-8 text"
      }
    }
  }
}
