import ArgumentParser
import Foundation
import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct HoldingsTests {
  @Test func showsWhatAUserOwnsByEitherId() async throws {
    try await Fixture.with { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 12, to: Fixture.aliceOnDiscord), as: .item("1"))
      _ = try await prizes.store.grant(.of(Fixture.sword, 2, to: Fixture.aliceOnDiscord), as: .item("2"))
      _ = try await prizes.store.transfer(.of(Fixture.mira, to: Fixture.aliceOnDiscord), as: .character("1"))
      let expected = """
        alice (Discord 456) owns:
               12 × Gold coin  coin
                2 × Sword      sword
          character Mira       mira
        """
      #expect(HoldingsReport.text(try await prizes.store.holdings(of: "alice")) == expected)
      #expect(HoldingsReport.text(try await prizes.store.holdings(of: "456")) == expected)
    }
  }

  @Test func showsWhatWaits() async throws {
    try await Fixture.with { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      _ = try await prizes.store.transfer(.of(Fixture.mira, to: Fixture.stranger), as: .character("1"))
      let holdings = try await prizes.store.holdings(of: "987654321098765432")
      #expect(
        HoldingsReport.text(holdings) == """
          Discord 987654321098765432, not linked to a user, owns nothing.
          Waits until the account is linked:
                  5 × Gold coin  coin
            character Mira       mira
          """)
      #expect(
        try CanonicalJSON.text(of: holdings).filter { !$0.isWhitespace }
          == #"""
          {"characters":{"owned":[],"pending":[{"characterId":"mira","name":"Mira"}]},
          "discordUserIds":["987654321098765432"],"id":"987654321098765432",
          "items":{"owned":[],"pending":[{"itemTypeId":"coin","name":"Goldcoin","quantity":5}]},"userId":null}
          """#.filter { !$0.isWhitespace })
    }
  }

  @Test(arguments: ["nobody", "5"])
  func knowsNothingOfSomeoneUnknown(_ id: Identifier) async throws {
    try await Fixture.with { (prizes) async throws in
      let holdings = try await prizes.store.holdings(of: id)
      #expect(HoldingsReport.text(holdings).hasPrefix("Nothing is known for \(id)"))
      #expect(holdings.items.isEmpty && holdings.characters.isEmpty && holdings.userId == nil)
      #expect(try CanonicalJSON.text(of: holdings).contains("\"userId\":null"))
    }
  }

  @Test func showsAllAccountsOfAUserWithoutPrizes() async throws {
    try await Fixture.with { (prizes) async throws in
      _ = try await prizes.store.link(AccountLinked(discordUserId: "9", userId: "alice"), as: .link("1"))
      #expect(
        HoldingsReport.text(try await prizes.store.holdings(of: "9")) == "alice (Discord 456, 9) owns nothing.")
    }
  }
}

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
