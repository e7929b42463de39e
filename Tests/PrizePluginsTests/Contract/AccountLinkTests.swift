import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct AccountLinkTests {
  @Test(arguments: StoreKind.all) func claimsAllThatIsPendingAndMergesStacks(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
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

  @Test(arguments: StoreKind.all) func linksAgainToTheSameUserButNotToAnother(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let again = AccountLinked(discordUserId: Fixture.aliceOnDiscord, userId: Fixture.alice)
      #expect(try await prizes.store.link(again, as: .link("1")) == .now(Claim()))
      await expectEventError(.conflict, field: "userId", saying: "already linked to another user") {
        let stolen = AccountLinked(discordUserId: Fixture.aliceOnDiscord, userId: "bob")
        _ = try await prizes.store.link(stolen, as: .link("2"))
      }
      #expect(try prizes.rows("SELECT discord_user_id, user_id FROM linked_accounts") == ["456 alice"])
      #expect(try prizes.handledEvents() == 1)
    }
  }

  @Test(arguments: StoreKind.all) func linksAnAccountWhoseStackDoesNotFitAndLeavesTheRestPending(_ store: StoreKind)
    async throws
  {
    try await Fixture.with(store) { (prizes) async throws in
      let store = prizes.store
      let full = PrizeRules.largestStack
      _ = try await store.grant(.of(Fixture.coin, 5, to: Fixture.aliceOnDiscord), as: .item("1"))
      _ = try await store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("2"))
      _ = try await store.grant(.of(Fixture.sword, 1, to: Fixture.stranger), as: .item("3"))
      _ = try await store.transfer(.of(Fixture.mira, to: Fixture.stranger), as: .character("1"))
      try prizes.execute("UPDATE items SET quantity = \(full - 2) WHERE owner_user_id = 'alice'")
      let link = AccountLinked(discordUserId: Fixture.stranger, userId: Fixture.alice)

      #expect(try await store.link(link, as: .link("1")) == .now(Claim(items: 2, characters: 1, leftStacks: 1)))
      let linked = ["alice coin \(full)", "alice sword 1", "pending \(Fixture.stranger) coin 3"]
      #expect(try prizes.items() == linked)

      // A redelivery brings nothing, and neither does another link while there is no room.
      #expect(try await store.link(link, as: .link("1")) == .alreadyHandled)
      #expect(try await store.link(link, as: .link("2")) == .now(Claim(leftStacks: 1)))
      #expect(try prizes.items() == linked)

      // A grant that does not fit is refused as before, and one that does is owned.
      await expectEventError(.conflict, saying: "more than") {
        _ = try await store.grant(.of(Fixture.coin, 1, to: Fixture.stranger), as: .item("4"))
      }
      #expect(
        try await store.grant(.of(Fixture.sword, 1, to: Fixture.stranger), as: .item("5"))
          == .now(.owned(by: Fixture.alice)))

      // With room again, the next link brings the rest, once.
      try prizes.execute("UPDATE items SET quantity = 1 WHERE owner_user_id = 'alice' AND item_type_id = 'coin'")
      #expect(try await store.link(link, as: .link("3")) == .now(Claim(items: 1)))
      #expect(try await store.link(link, as: .link("3")) == .alreadyHandled)
      #expect(try prizes.items() == ["alice coin 4", "alice sword 1", "alice sword 1"])
    }
  }

  /// Each of two full stacks; nothing at all fits.
  @Test(arguments: StoreKind.all) func showsWhatStaysPendingForALinkedAccount(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let full = PrizeRules.largestStack
      _ = try await prizes.store.grant(.of(Fixture.coin, to: Fixture.aliceOnDiscord), as: .item("1"))
      _ = try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("2"))
      try prizes.execute("UPDATE items SET quantity = \(full)")
      let catalog = try CatalogReader.read(
        """
        accounts:
          - { discordUserId: "\(Fixture.stranger)", userId: alice }
        """, file: "accounts.yaml")

      #expect(try await prizes.store.importCatalog(catalog) == ImportCounts(accounts: 1, leftStacks: 1))
      let holdings = try await prizes.store.holdings(of: Fixture.alice)
      #expect(
        prizes.report(holdings) == """
          alice (Discord 456, \(Fixture.stranger)) owns:
            \(full) × Gold coin  coin
          Waits because a stack holds \(full) at most:
            \(full) × Gold coin  coin
          """)
      #expect(holdings.items.pending == [Holdings.Item(itemTypeId: "coin", name: "Gold coin", quantity: full)])
    }
  }

  /// What was granted as a stack stays one, whatever the catalog says later.
  @Test(arguments: StoreKind.all) func claimsStacksOfATypeThatNoLongerStacks(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      let changed = Fixture.catalog.replacing("Gold coin, stackable: true", with: "Gold coin, stackable: false")
      _ = try await prizes.store.importCatalog(CatalogReader.read(changed, file: "catalog.yaml"))
      _ = try await prizes.store.grant(.of(Fixture.coin, 2, to: Fixture.stranger), as: .item("2"))
      _ = try await prizes.store.link(AccountLinked(discordUserId: Fixture.stranger, userId: "bob"), as: .link("1"))
      #expect(try prizes.items() == ["bob coin 1", "bob coin 1", "bob coin 5"])
    }
  }
}
