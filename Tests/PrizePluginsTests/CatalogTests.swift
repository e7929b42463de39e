import Foundation
import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct CatalogTests {
  @Test func readsBareAndQuotedIds() throws {
    let catalog = try CatalogReader.read(
      """
      communities:
        - id: 7
          discordGuildId: 123456789012345678
          name: 'true'
          itemTypes:
            - { id: '007', name: "Bond, \\u00e9lite", stackable: no }
      accounts:
        - { discordUserId: "18446744073709551615", userId: 123 }
        - { discordUserId: 18446744073709551614, userId: 123 }
      """, file: "catalog.yaml")
    #expect(catalog.communities.first?.id == "7")
    #expect(catalog.communities.first?.discordGuildId == "123456789012345678")
    #expect(catalog.communities.first?.name == "true")
    #expect(catalog.communities.first?.itemTypes.first?.id == "007")
    #expect(catalog.communities.first?.itemTypes.first?.stackable == false)
    #expect(catalog.accounts.map(\.discordUserId) == [.valid("18446744073709551615"), .valid("18446744073709551614")])
    #expect(catalog.accounts.first?.position == Catalog.Position(line: 8, column: 5))
    #expect(catalog.characters.isEmpty)
  }

  @Test func reportsEveryProblemWithItsPlace() {
    expectProblems(
      """
      comunities: []
      communities:
        - id: crew
          discordGuildId: crew
          name: The Crew
          itemTypes:
            - { id: coin, name: Gold coin, stackabel: true }
            - { id: coin, name: "", stackable: maybe }
        - id: others
          discordGuildId: "222222222222222222"
          name: The Others
          colour: red
          itemTypes:
            - { id: coin, name: Coin, stackable: true }
        - just text
      characters: { mira: Mira }
      accounts:
        - { discordUserId: 456 }
        - { discordUserId: 456, userId: [alice] }
      """,
      [
        "1:1: unknown key \"comunities\" in the catalog; did you mean communities?",
        "4:21: discordGuildId: expected a numeric Discord guild id such as \"123456789012345678\"",
        "7:9: stackable is missing in an item type",
        "7:38: unknown key \"stackabel\" in an item type; did you mean stackable?",
        "8:15: item type coin is already named in line 7",
        "8:27: name: expected text of 1 to 200 characters without control characters",
        "8:42: stackable: expected true or false",
        "12:5: unknown key \"colour\" in a community; it has id, discordGuildId, name, itemTypes",
        "14:15: item type coin is already named in line 7",
        "15:5: a community is a mapping with the keys id, discordGuildId, name, itemTypes",
        "16:13: characters: expected a list",
        "18:5: userId is missing in an account",
        "19:22: discordUserId 456 is already named in line 18",
        "19:35: userId: expected an id of 1 to 128 characters, without control characters or spaces around it",
      ])
  }

  @Test(arguments: [
    ("", "1:1: the file is empty; it needs communities, characters or accounts"),
    ("- a", "1:1: the catalog is a mapping with the keys communities, characters, accounts"),
    ("characters: [", "2:1: not valid YAML: did not find expected node content"),
    ("characters: []\ncharacters: []", "1:1: characters is written twice in one mapping"),
    ("characters:\n  - { id: ~, name: Mira }", "2:11: id: \(Identifier.expected)"),
    ("characters: []\n---\ncharacters: []", "2:1: not valid YAML: but found another document"),
  ])
  func reportsWhatIsNoCatalog(_ yaml: String, _ problem: String) {
    expectProblems(yaml, [problem])
  }

  @Test func importsAndUpdates() async throws {
    try await Fixture.with { (prizes) async throws in
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

  @Test func linksAccountsAsTheEventDoes() async throws {
    try await Fixture.with { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 3, to: Fixture.stranger), as: .item("1"))
      let accounts = "accounts: [{ discordUserId: \(Fixture.stranger), userId: bob }]"
      _ = try await prizes.store.importCatalog(CatalogReader.read(accounts, file: "accounts.yaml"))
      #expect(try prizes.items() == ["bob coin 3"])
    }
  }

  @Test func swapsTheGuildsOfTwoCommunities() async throws {
    try await Fixture.with { (prizes) async throws in
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

  @Test func importsNothingThatContradictsTheStore() async throws {
    try await Fixture.with { (prizes) async throws in
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

  /// The demo's catalog is one that the specification's example messages succeed with.
  @Test func demoCatalogFitsTheExampleMessages() async throws {
    let file = URL(filePath: #filePath).appending(path: "../../../Examples/catalog.yaml").standardized
    try await Fixture.withFolder { folder in
      let store = try await SQLitePrizeStore(path: folder.appending(path: "prizes.db").path)
      let catalog = try CatalogReader.read(ImportCommand.text(ofFileAt: file.path), file: "catalog.yaml")
      _ = try await store.importCatalog(catalog)
      let item = ItemAwarded.of("cluid123abc", 5, to: "987654321098765432", in: "123456789012345678")
      #expect(try await store.grant(item, as: .item("1")) == .now(.pending(for: "987654321098765432")))
      let character = CharacterAwarded.of("cluid456def", to: "987654321098765432")
      #expect(try await store.transfer(character, as: .character("1")) == .now(.pending(for: "987654321098765432")))
    }
  }

  private func expectProblems(
    _ yaml: String, _ problems: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: CatalogError.self, sourceLocation: sourceLocation) {
      try CatalogReader.read(yaml, file: "c.yaml")
    }
    let expected = ["nothing was imported"] + problems.map { "c.yaml:\($0)" }
    #expect(error?.description == expected.joined(separator: "\n"), sourceLocation: sourceLocation)
  }
}
