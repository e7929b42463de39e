import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct AccountLinkTests {
  @Test func claimsAllThatIsPendingAndMergesStacks() async throws {
    try await Fixture.with { (prizes) async throws in
      let store = prizes.store
      _ = try await store.grant(.of(Fixture.coin, 5, to: Fixture.aliceOnDiscord), as: .item("1"))
      _ = try await store.grant(.of(Fixture.coin, 2, to: Fixture.stranger), as: .item("2"))
      _ = try await store.grant(.of(Fixture.sword, 2, to: Fixture.stranger), as: .item("3"))
      _ = try await store.grant(
        .of(Fixture.foreignCoin, 9, to: Fixture.stranger, in: Fixture.otherGuild), as: .item("4"))
      _ = try await store.grant(.of(Fixture.coin, 4, to: "789"), as: .item("5"))
      _ = try await store.transfer(.of(Fixture.mira, to: Fixture.stranger), as: .character("1"))

      let claim = try await store.link(
        AccountLinked(discordUserId: Fixture.stranger, userId: Fixture.alice), as: .link("1"))

      #expect(claim == .now(Claim(items: 4, characters: 1)))
      #expect(
        try prizes.items() == [
          "alice coin 7", "alice foreign-coin 9", "alice sword 1", "alice sword 1", "pending 789 coin 4",
        ])
      #expect(try prizes.rows("SELECT id FROM characters WHERE owner_user_id = 'alice'") == ["mira"])
      #expect(
        try await store.grant(.of(Fixture.coin, 1, to: Fixture.stranger), as: .item("6"))
          == .now(.owned(by: Fixture.alice)))
    }
  }

  @Test func linksAgainToTheSameUserButNotToAnother() async throws {
    try await Fixture.with { (prizes) async throws in
      let again = AccountLinked(discordUserId: Fixture.aliceOnDiscord, userId: Fixture.alice)
      #expect(try await prizes.store.link(again, as: .link("1")) == .now(Claim()))
      await expectEventError(.conflict, field: "userId", saying: "already linked to another user") {
        let stolen = AccountLinked(discordUserId: Fixture.aliceOnDiscord, userId: "bob")
        _ = try await prizes.store.link(stolen, as: .link("2"))
      }
      #expect(try prizes.rows("SELECT * FROM linked_accounts") == ["456 alice"])
      #expect(try prizes.handledEvents() == 1)
    }
  }

  @Test func leavesAllPendingWhenTheMergedStackWouldOverflow() async throws {
    try await Fixture.with { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.aliceOnDiscord), as: .item("1"))
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("2"))
      try prizes.execute("UPDATE items SET quantity = \(PrizeSchema.largestStack) WHERE owner_user_id = 'alice'")
      await expectEventError(.conflict, saying: "more than") {
        _ = try await prizes.store.link(
          AccountLinked(discordUserId: Fixture.stranger, userId: Fixture.alice), as: .link("1"))
      }
      #expect(try prizes.items().last == "pending \(Fixture.stranger) coin 5")
      #expect(try prizes.rows("SELECT * FROM linked_accounts") == ["456 alice"])
    }
  }

  /// What was granted as a stack stays one, whatever the catalog says later.
  @Test func claimsStacksOfATypeThatNoLongerStacks() async throws {
    try await Fixture.with { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      let changed = Fixture.catalog.replacing("Gold coin, stackable: true", with: "Gold coin, stackable: false")
      _ = try await prizes.store.importCatalog(CatalogReader.read(changed, file: "catalog.yaml"))
      _ = try await prizes.store.grant(.of(Fixture.coin, 2, to: Fixture.stranger), as: .item("2"))
      _ = try await prizes.store.link(AccountLinked(discordUserId: Fixture.stranger, userId: "bob"), as: .link("1"))
      #expect(try prizes.items() == ["bob coin 1", "bob coin 1", "bob coin 5"])
    }
  }
}
