import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct GrantTests {
  @Test(arguments: StoreKind.all) func stacksWhatALinkedAccountWins(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      #expect(
        try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.aliceOnDiscord), as: .item("1"))
          == .now(.owned(by: Fixture.alice)))
      _ = try await prizes.store.grant(.of(Fixture.coin, 2, to: Fixture.aliceOnDiscord), as: .item("2"))
      #expect(try prizes.items() == ["alice coin 7"])
    }
  }

  @Test(arguments: StoreKind.all) func keepsEachItemThatDoesNotStack(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.sword, 2, to: Fixture.aliceOnDiscord), as: .item("1"))
      _ = try await prizes.store.grant(.of(Fixture.sword, to: Fixture.aliceOnDiscord), as: .item("2"))
      #expect(try prizes.items() == ["alice sword 1", "alice sword 1", "alice sword 1"])
    }
  }

  @Test(arguments: StoreKind.all) func keepsPrizesPendingWhereNoAccountIsLinked(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      #expect(
        try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
          == .now(.pending(for: Fixture.stranger)))
      _ = try await prizes.store.grant(.of(Fixture.coin, 1, to: Fixture.stranger), as: .item("2"))
      _ = try await prizes.store.grant(.of(Fixture.sword, 2, to: Fixture.stranger), as: .item("3"))
      let whose = "pending \(Fixture.stranger)"
      #expect(try prizes.items() == ["\(whose) coin 6", "\(whose) sword 1", "\(whose) sword 1"])
    }
  }

  @Test(arguments: StoreKind.all) func knowsWhatDoesNotExist(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      await expectEventError(.notFound, field: "discordGuildId", saying: "no community") {
        _ = try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger, in: "1"), as: .item("1"))
      }
      await expectEventError(.notFound, field: "itemTypeId", saying: "does not exist") {
        _ = try await prizes.store.grant(.of("nothing", to: Fixture.stranger), as: .item("2"))
      }
      await expectEventError(.notFound, field: "itemTypeId", saying: "does not belong") {
        _ = try await prizes.store.grant(.of(Fixture.foreignCoin, to: Fixture.stranger), as: .item("3"))
      }
      #expect(try prizes.items().isEmpty)
      #expect(try prizes.handledEvents() == 0)
    }
  }

  @Test(arguments: StoreKind.all) func handlesAnEventOnceWhatItNamedIsImported(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let event = ItemAwarded.of("gem", to: Fixture.aliceOnDiscord)
      await expectEventError(.notFound, field: "itemTypeId") {
        _ = try await prizes.store.grant(event, as: .item("1"))
      }
      let catalog = Fixture.catalog.replacing(
        "- { id: sword", with: "- { id: gem, name: Gem, stackable: true }\n      - { id: sword")
      _ = try await prizes.store.importCatalog(CatalogReader.read(catalog, file: "catalog.yaml"))
      #expect(try await prizes.store.grant(event, as: .item("1")) == .now(.owned(by: Fixture.alice)))
    }
  }

  @Test(arguments: StoreKind.all) func boundsTheRowsOfOneEvent(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      await expectEventError(.validation, field: "quantity", saying: "at most 1000") {
        _ = try await prizes.store.grant(.of(Fixture.sword, 1_001, to: Fixture.stranger), as: .item("1"))
      }
      #expect(try prizes.items().isEmpty)
      _ = try await prizes.store.grant(.of(Fixture.sword, 1_000, to: Fixture.stranger), as: .item("2"))
      #expect(try prizes.items().count == 1_000)
    }
  }

  @Test(arguments: StoreKind.all, [Fixture.aliceOnDiscord, Fixture.stranger])
  func refusesToOverfillAStack(_ store: StoreKind, _ user: DiscordUserID) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 1, to: user), as: .item("1"))
      try prizes.execute("UPDATE items SET quantity = \(PrizeRules.largestStack - 2)")
      await expectEventError(.conflict, saying: "more than \(PrizeRules.largestStack)") {
        _ = try await prizes.store.grant(.of(Fixture.coin, 3, to: user), as: .item("2"))
      }
      #expect(try prizes.handledEvents() == 1)
      _ = try await prizes.store.grant(.of(Fixture.coin, 2, to: user), as: .item("2"))
      #expect(try prizes.rows("SELECT quantity FROM items") == ["\(PrizeRules.largestStack)"])
    }
  }

  @Test(arguments: StoreKind.all) func givesAnOrphanedCharacterAwayOnce(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      #expect(
        try await prizes.store.transfer(.of(Fixture.mira, to: Fixture.aliceOnDiscord), as: .character("1"))
          == .now(.owned(by: Fixture.alice)))
      #expect(
        try await prizes.store.transfer(.of(Fixture.tomas, to: Fixture.stranger), as: .character("2"))
          == .now(.pending(for: Fixture.stranger)))
      for user in [Fixture.aliceOnDiscord, Fixture.stranger, "789"] {
        for character in [Fixture.mira, Fixture.tomas] {
          await expectEventError(.conflict, field: "characterId", saying: "already owned") {
            _ = try await prizes.store.transfer(.of(character, to: user), as: .character("\(user) \(character)"))
          }
        }
      }
      #expect(
        try prizes.rows("SELECT id, owner_user_id, pending_discord_user_id FROM characters ORDER BY id")
          == ["mira alice NULL", "tomas NULL \(Fixture.stranger)"])
      #expect(try prizes.handledEvents() == 2)
    }
  }

  @Test(arguments: StoreKind.all) func transfersNoCharacterThatDoesNotExist(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      await expectEventError(.notFound, field: "characterId", saying: "does not exist") {
        _ = try await prizes.store.transfer(.of("nobody", to: Fixture.stranger), as: .character("1"))
      }
    }
  }
}
