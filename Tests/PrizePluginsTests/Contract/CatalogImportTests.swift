import Testing
import WorkerKit

@testable import PrizePlugins

/// What an import does to what is there.
@Suite struct CatalogImportTests {
  @Test(arguments: StoreKind.all) func importsAndUpdates(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let catalog = try CatalogReader.read(Fixture.catalog, file: "catalog.yaml")
      let counts = try await prizes.store.importCatalog(catalog)
      #expect(counts.description == "2 communities, 3 item types, 2 characters, 1 linked account")

      _ = try await prizes.store.transfer(.of(Fixture.mira, to: Fixture.aliceOnDiscord), as: .character("1"))
      let renamed = Fixture.catalog.replacing("Mira", with: "Mira II").replacing("Gold coin", with: "Golden coin")
      _ = try await prizes.store.importCatalog(CatalogReader.read(renamed, file: "catalog.yaml"))
      #expect(
        try prizes.rows("SELECT id, name, owner_user_id FROM characters ORDER BY id")
          == ["mira Mira II alice", "tomas Tomas NULL"])
      #expect(try prizes.rows("SELECT name FROM item_types WHERE id = 'coin'") == ["Golden coin"])
    }
  }

  @Test(arguments: StoreKind.all) func linksAccountsAsTheEventDoes(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 3, to: Fixture.stranger), as: .item("1"))
      let accounts = "accounts: [{ discordUserId: \(Fixture.stranger), userId: bob }]"
      _ = try await prizes.store.importCatalog(CatalogReader.read(accounts, file: "accounts.yaml"))
      #expect(try prizes.items() == ["bob coin 3"])
    }
  }

  @Test(arguments: StoreKind.all) func swapsTheGuildsOfTwoCommunities(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let swapped = """
        communities:
          - { id: others, discordGuildId: 123456789012345678, name: The Others }
          - { id: crew, discordGuildId: 222222222222222222, name: The Crew }
        """
      _ = try await prizes.store.importCatalog(CatalogReader.read(swapped, file: "catalog.yaml"))
      #expect(
        try prizes.rows("SELECT id, discord_guild_id FROM communities ORDER BY id")
          == ["crew 222222222222222222", "others 123456789012345678"])
    }
  }

  @Test(arguments: StoreKind.all) func importsNothingThatContradictsTheStore(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let catalog = try CatalogReader.read(
        """
        communities:
          - id: newcomers
            discordGuildId: 123456789012345678
            name: Newcomers
            itemTypes:
              - { id: coin, name: Coin, stackable: true }
        characters:
          - { id: new, name: New }
        accounts:
          - { discordUserId: 456, userId: bob }
        """, file: "catalog.yaml")
      let error = await #expect(throws: CatalogError.self) { try await prizes.store.importCatalog(catalog) }
      #expect(
        error?.description == """
          nothing was imported
          catalog.yaml:2:5: guild 123456789012345678 already belongs to community crew; correct discordGuildId
          catalog.yaml:6:9: item type coin already belongs to community crew, and cannot move; use another id
          catalog.yaml:10:5: Discord account 456 is already linked to user alice; correct userId
          """)
      #expect(try prizes.rows("SELECT id FROM characters WHERE id = 'new'").isEmpty)
      #expect(try prizes.rows("SELECT id FROM communities WHERE id = 'newcomers'").isEmpty)
    }
  }
}
