public import ArgumentParser
public import WorkerKit

/// Grants prizes that a Discord bot awards: items, characters, and the linking of accounts that prizes wait for.
///
///     plugins:
///       prizes: { database: "sqlite:/var/lib/worker/prizes.db" }
///     routes:
///       ITEM_AWARDED:      { handler: prizes.item }
///       CHARACTER_AWARDED: { handler: prizes.character }
///       ACCOUNT_LINKED:    { handler: prizes.link }
///
/// | handler | fields of its event | kinds of error beside `validation` and `unavailable` |
/// |---|---|---|
/// | `prizes.item` | `discordGuildId`, `discordUserId`, `itemTypeId`, `quantity` (1) | `notFound`, `conflict` |
/// | `prizes.character` | `discordGuildId`, `discordUserId`, `characterId` | `notFound`, `conflict` |
/// | `prizes.link` | `discordUserId`, `userId` | `conflict` |
///
/// Each grants exactly once: the event's ``HandlerContext/idempotencyKey`` is written in the transaction of the prize.
/// Whoever has linked no account owns a prize as soon as they do.
public struct PrizePlugin: Plugin, PluginCommands, PluginHealth {
  public static let name = "prizes"

  /// Where prizes are kept.
  public static let database = ConfigurationKey(
    "database",
    default: PrizeDatabase(path: "prizes.db"),
    "Where prizes are kept: a file that is made when it is not there.")

  public static let configurationKeys: [any ConfigurationKeyProtocol] = [database]

  public static let commands: [any AsyncParsableCommand.Type] = [PrizesCommand.self]

  public static func register(in handlers: inout HandlerRegistry<PrizePlugin>) {
    handlers.add("item") { $0.makeItemHandler() }
    handlers.add("character") { CharacterPrizeHandler(store: $0.store) }
    handlers.add("link") { AccountLinkHandler(store: $0.store) }
  }

  let store: any PrizeStore

  /// Opens the database.
  ///
  /// - Throws: A printable error that names the file and what to do, when it cannot be opened.
  public init(configuration: ConfigurationValues) async throws {
    self.init(store: try await SQLitePrizeStore(path: configuration[Self.database].path))
  }

  /// Writes to the database, and changes nothing.
  public func checkHealth() async throws {
    try await store.checkHealth()
  }

  package func makeItemHandler() -> ItemPrizeHandler {
    ItemPrizeHandler(store: store)
  }

  init(store: any PrizeStore) {
    self.store = store
  }
}
