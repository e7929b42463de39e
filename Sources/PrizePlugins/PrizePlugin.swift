public import ArgumentParser
public import WorkerKit

/// Grants prizes that a Discord bot awards: items, characters, and the linking of accounts that prizes wait for.
///
///     plugins:
///       prizes: { database: "sqlite:/var/lib/worker/prizes.db", keepHandledEvents: 90d }
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
public struct PrizePlugin: WorkerPlugin, PluginCommands, PluginHealth {
  public static let name = "prizes"

  /// Where prizes are kept.
  public static let database = ConfigurationKey(
    "database",
    default: PrizeDatabase(path: "prizes.db"),
    "Where prizes are kept: a file that is made, readable by its owner alone, when it is not there.")

  /// How long the keys of handled events are kept.
  public static let keepHandledEvents = ConfigurationKey(
    "keepHandledEvents", default: Duration.seconds(90 * 86_400),
    "How long the keys of handled events are kept: an event that comes again later is granted again.",
    check: { age in
      age > KeyPruning.messageLife
        ? nil
        : "must be more than 28d, for a message may be in its queue for 14 days and then in the dead-letter queue for 14, and an "
          + "event whose key is forgotten by then is granted twice"
    })

  public static let configurationKeys: [any ConfigurationKeyProtocol] = [database, keepHandledEvents]

  public static let commands: [any AsyncParsableCommand.Type] = [PrizesCommand.self]

  public static func register(in handlers: inout HandlerRegistry<PrizePlugin>) {
    handlers.add("item") { $0.makeItemHandler() }
    handlers.add("character") { CharacterPrizeHandler(store: $0.store) }
    handlers.add("link") { AccountLinkHandler(store: $0.store) }
  }

  let store: any PrizeStore
  let keepHandledEvents: Duration

  /// Opens the database.
  ///
  /// - Throws: A printable error that names the file and what to do, when it cannot be opened.
  public init(configuration: ConfigurationValues) async throws {
    self.init(
      store: try await configuration[Self.database].open(), keepHandledEvents: configuration[Self.keepHandledEvents])
  }

  /// Writes to the database, and changes nothing.
  public func checkHealth() async throws {
    try await store.checkHealth()
  }

  package func makeItemHandler() -> ItemPrizeHandler {
    ItemPrizeHandler(store: store)
  }

  init(store: any PrizeStore, keepHandledEvents: Duration) {
    self.store = store
    self.keepHandledEvents = keepHandledEvents
  }
}
