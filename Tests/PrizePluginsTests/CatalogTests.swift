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
        "1:1: unknown key `comunities` in the catalog; did you mean `communities`?",
        "4:21: discordGuildId: expected a numeric Discord guild id such as \"123456789012345678\"",
        "7:9: stackable is missing in an item type",
        "7:38: unknown key `stackabel` in an item type; did you mean `stackable`?",
        "8:15: item type coin is already named in line 7",
        "8:27: name: expected text of 1 to 200 characters without control characters",
        "8:42: stackable: expected true or false",
        "12:5: unknown key `colour` in a community; valid: discordGuildId, id, itemTypes, name",
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
    (
      "characters: []\ncharacters: []",
      "1:1: the key `characters` stands twice in the mapping that begins here; keep one"
    ),
    ("characters:\n  - { id: ~, name: Mira }", "2:11: id: \(Identifier.expected)"),
    ("characters: []\n---\ncharacters: []", "2:1: a second document begins here; leave one, without `---` between"),
  ])
  func reportsWhatIsNoCatalog(_ yaml: String, _ problem: String) {
    expectProblems(yaml, [problem])
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
