import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct HoldingsTests {
  @Test(arguments: StoreKind.all) func showsWhatAUserOwnsByEitherId(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 12, to: Fixture.aliceOnDiscord), as: .item("1"))
      _ = try await prizes.store.grant(.of(Fixture.sword, 2, to: Fixture.aliceOnDiscord), as: .item("2"))
      _ = try await prizes.store.transfer(.of(Fixture.mira, to: Fixture.aliceOnDiscord), as: .character("1"))
      let expected = """
        alice (Discord 456) owns:
               12 × Gold coin  coin
                2 × Sword      sword
          character Mira       mira
        """
      #expect(prizes.report(try await prizes.store.holdings(of: "alice")) == expected)
      #expect(prizes.report(try await prizes.store.holdings(of: "456")) == expected)
    }
  }

  @Test(arguments: StoreKind.all) func showsWhatWaits(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      _ = try await prizes.store.transfer(.of(Fixture.mira, to: Fixture.stranger), as: .character("1"))
      let holdings = try await prizes.store.holdings(of: "987654321098765432")
      #expect(
        prizes.report(holdings) == """
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

  @Test(arguments: StoreKind.all, ["nobody", "5"])
  func knowsNothingOfSomeoneUnknown(_ store: StoreKind, _ id: Identifier) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let holdings = try await prizes.store.holdings(of: id)
      #expect(prizes.report(holdings).hasPrefix("Nothing is known for \(id)"))
      #expect(holdings.items.isEmpty && holdings.characters.isEmpty && holdings.userId == nil)
      #expect(try CanonicalJSON.text(of: holdings).contains("\"userId\":null"))
    }
  }

  @Test(arguments: StoreKind.all) func showsAllAccountsOfAUserWithoutPrizes(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.link(AccountLinked(discordUserId: "9", userId: "alice"), as: .link("1"))
      #expect(
        prizes.report(try await prizes.store.holdings(of: "9")) == "alice (Discord 456, 9) owns nothing.")
    }
  }
}
