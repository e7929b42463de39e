import Foundation
import GRDB
import Logging
import Testing
import WorkerKit

@testable import PrizePlugins

/// A prize database of its own in a temporary folder, with a small catalog.
struct Fixture: Sendable {
  static let guild: DiscordGuildID = "123456789012345678"
  static let otherGuild: DiscordGuildID = "222222222222222222"
  static let coin: Identifier = "coin"
  static let sword: Identifier = "sword"
  static let foreignCoin: Identifier = "foreign-coin"
  static let mira: Identifier = "mira"
  static let tomas: Identifier = "tomas"
  /// Linked to ``alice``.
  static let aliceOnDiscord: DiscordUserID = "456"
  static let alice: Identifier = "alice"
  /// Not linked.
  static let stranger: DiscordUserID = "987654321098765432"

  static let catalog = """
    communities:
      - id: crew
        discordGuildId: "123456789012345678"
        name: The Crew
        itemTypes:
          - { id: coin, name: Gold coin, stackable: true }
          - { id: sword, name: Sword, stackable: false }
      - id: others
        discordGuildId: "222222222222222222"
        name: The Others
        itemTypes:
          - { id: foreign-coin, name: Foreign coin, stackable: true }
    characters:
      - { id: mira, name: Mira }
      - { id: tomas, name: Tomas }
    accounts:
      - { discordUserId: "456", userId: alice }
    """

  let path: String
  let store: SQLitePrizeStore

  /// Runs `body` with a fresh database, and removes it.
  static func with(_ body: (Fixture) async throws -> Void) async throws {
    try await withFolder { folder in
      let path = folder.appending(path: "prizes.db").path
      let fixture = Fixture(path: path, store: try await SQLitePrizeStore(path: path))
      _ = try await fixture.store.importCatalog(CatalogReader.read(catalog, file: "catalog.yaml"))
      try await body(fixture)
    }
  }

  static func withFolder(_ body: (URL) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "prizes-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(folder))
    } catch {
      result = .failure(error)
    }
    try FileManager.default.removeItem(at: folder)
    try result.get()
  }

  /// Every row of a query, its columns joined by a space.
  func rows(_ sql: String) throws -> [String] {
    try DatabaseQueue(path: path).read { db in
      try Row.fetchAll(db, sql: sql).map { row in
        row.databaseValues.map { String.fromDatabaseValue($0) ?? "\($0)" }.joined(separator: " ")
      }
    }
  }

  func execute(_ sql: String) throws {
    try DatabaseQueue(path: path).write { db in try db.execute(sql: sql) }
  }

  /// Whose, what and how many: "alice coin 7", "pending 456 sword 1".
  func items() throws -> [String] {
    try rows(
      """
      SELECT coalesce(owner_user_id, 'pending ' || pending_discord_user_id), item_type_id, quantity FROM items
      ORDER BY 1, 2, 3
      """)
  }

  func handledEvents() throws -> Int { try rows("SELECT key FROM handled_events").count }
}

/// Batches of one.
extension PrizeStore {
  func grant(_ event: ItemAwarded, as key: EventKey) async throws -> Handled<Holder> {
    try await grant([KeyedEvent(event, key: key)])[0].get()
  }

  func transfer(_ event: CharacterAwarded, as key: EventKey) async throws -> Handled<Holder> {
    try await transfer([KeyedEvent(event, key: key)])[0].get()
  }

  func link(_ event: AccountLinked, as key: EventKey) async throws -> Handled<Claim> {
    try await link([KeyedEvent(event, key: key)])[0].get()
  }
}

extension ItemAwarded {
  static func of(
    _ itemTypeId: Identifier, _ quantity: Quantity = 1, to user: DiscordUserID,
    in guild: DiscordGuildID = Fixture.guild
  ) -> ItemAwarded {
    ItemAwarded(discordGuildId: guild, discordUserId: user, itemTypeId: itemTypeId, quantity: quantity)
  }
}

extension CharacterAwarded {
  static func of(_ characterId: Identifier, to user: DiscordUserID) -> CharacterAwarded {
    CharacterAwarded(discordGuildId: Fixture.guild, discordUserId: user, characterId: characterId)
  }
}

extension EventKey {
  static func item(_ key: String) -> EventKey { EventKey(eventType: "ITEM_AWARDED", key: key) }
  static func character(_ key: String) -> EventKey { EventKey(eventType: "CHARACTER_AWARDED", key: key) }
  static func link(_ key: String) -> EventKey { EventKey(eventType: "ACCOUNT_LINKED", key: key) }
}

extension HandlerContext {
  static func test(_ eventType: String, id: String = "m1", logger: Logger = Logger(label: "test")) -> HandlerContext {
    HandlerContext(eventType: eventType, messageID: id, logger: logger)
  }
}

extension CheckedValue {
  /// For literals in tests.
  static func valid(_ rawValue: RawValue) -> Self {
    guard let value = Self(rawValue: rawValue) else { preconditionFailure("\(rawValue): \(expected)") }
    return value
  }
}

extension Identifier: ExpressibleByStringLiteral {
  public init(stringLiteral text: String) { self = .valid(text) }
}

extension DiscordID: ExpressibleByStringLiteral, ExpressibleByExtendedGraphemeClusterLiteral,
  ExpressibleByUnicodeScalarLiteral
{
  public init(stringLiteral text: String) { self = .valid(text) }
}

extension Quantity: ExpressibleByIntegerLiteral {
  public init(integerLiteral number: Int) { self = .valid(number) }
}

extension Result {
  var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}

/// Expects an ``EventError`` of a kind, about a field.
func expectEventError(
  _ kind: ErrorKind, field: String? = nil, saying part: String = "",
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () async throws -> Void
) async {
  do {
    try await body()
    Issue.record("nothing was thrown", sourceLocation: sourceLocation)
  } catch let error as EventError {
    #expect(error.kind == kind, sourceLocation: sourceLocation)
    #expect(error.field == field, sourceLocation: sourceLocation)
    #expect(part.isEmpty || error.message.contains(part), "\(error.message)", sourceLocation: sourceLocation)
  } catch {
    Issue.record(error, sourceLocation: sourceLocation)
  }
}
