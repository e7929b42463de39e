public import WorkerKit

/// The spec's two messages and one that must fail. `Examples/` has the same, as files.
extension PrizePlugin: PluginDemo {
  public static func demoEnvironment(in directory: String) -> [String: String] {
    ["PRIZE_DATABASE": "sqlite:\(directory)/prizes.db"]
  }

  public static let demoRoutes = [
    "ITEM_AWARDED": "prizes.item", "CHARACTER_AWARDED": "prizes.character", "ACCOUNT_LINKED": "prizes.link",
  ]

  public static let demoConfiguration = ["database": "${PRIZE_DATABASE:-sqlite:prizes.db}"]

  public static func isDemo(_ configuration: ConfigurationValues, in directory: String) -> Bool {
    configuration[database] == PrizeDatabase(path: "\(directory)/prizes.db")
  }

  public static func prepareDemo(_ configuration: ConfigurationValues) async throws {
    let store = try await configuration[database].open()
    _ = try await store.importCatalog(try CatalogReader.read(demoCatalog, file: "the demo's catalog"))
  }

  public static let demoEvents = [
    DemoEvent("5 gold coins for a Discord user", body: itemAwarded),
    DemoEvent("the character Mira for the same user", body: characterAwarded),
    DemoEvent("an item that does not exist", body: unknownItem),
  ]

  public static let demoCommands = ["prizes holdings --user 987654321098765432"]

  static let demoCatalog = """
    # The catalog of the demo. Import it with: worker prizes import Examples/catalog.yaml
    communities:
      - id: crew
        discordGuildId: "123456789012345678"
        name: The Crew
        itemTypes:
          - { id: cluid123abc, name: Gold coin, stackable: true }
          - { id: cluid789ghi, name: Sword of the dawn, stackable: false }

    characters:
      - { id: cluid456def, name: Mira the Wanderer }
      - { id: cluid012jkl, name: Old Tomas }

    # 987654321098765432 has no linked account, so its prizes are pending until an ACCOUNT_LINKED event arrives.
    accounts:
      - { discordUserId: "111222333444555666", userId: alice }
    """

  static let itemAwarded = """
    {
      "eventType": "ITEM_AWARDED",
      "discordGuildId": "123456789012345678",
      "discordUserId": "987654321098765432",
      "itemTypeId": "cluid123abc",
      "quantity": 5
    }
    """

  static let characterAwarded = """
    {
      "eventType": "CHARACTER_AWARDED",
      "discordGuildId": "123456789012345678",
      "discordUserId": "987654321098765432",
      "characterId": "cluid456def"
    }
    """

  static let unknownItem = """
    {
      "eventType": "ITEM_AWARDED",
      "discordGuildId": "123456789012345678",
      "discordUserId": "987654321098765432",
      "itemTypeId": "cluid000zzz",
      "quantity": 1
    }
    """
}
