import Foundation
import GRDB
import Logging
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// The stores that keep the same rules: those of the tests in `Contract/`, which run on each.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case sqlite, postgresql

  /// PostgreSQL's where there is a server: `make test` starts one.
  static let all = TestPostgres.uri == nil ? [.sqlite] : allCases

  var testDescription: String { rawValue }
}

/// A prize database of its own, with a small catalog.
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

  let database: PrizeDatabase
  let store: any PrizeStore

  /// The file of SQLite's.
  var path: String {
    guard case .sqlite(let file) = database.location else { preconditionFailure("a test of SQLite's on another store") }
    return file.path
  }

  /// For tests of what only SQLite has.
  var sqlite: SQLitePrizeStore {
    guard let store = store as? SQLitePrizeStore else { preconditionFailure("a test of SQLite's on another store") }
    return store
  }

  init(database: PrizeDatabase, store: any PrizeStore) {
    self.database = database
    self.store = store
  }

  init(path: String, store: SQLitePrizeStore) {
    self.init(database: PrizeDatabase(path: path), store: store)
  }

  /// Runs `body` with a fresh database that has the catalog, and removes it.
  static func with(_ kind: StoreKind = .sqlite, _ body: (Fixture) async throws -> Void) async throws {
    try await withEmpty(kind) { database in
      let fixture = Fixture(database: database, store: try await open(database))
      _ = try await fixture.store.importCatalog(CatalogReader.read(catalog, file: "catalog.yaml"))
      try await body(fixture)
      if kind == .postgresql { fixture.store.close() }
    }
  }

  /// Runs `body` with a database that nobody has opened yet.
  static func withEmpty(_ kind: StoreKind, _ body: (PrizeDatabase) async throws -> Void) async throws {
    switch kind {
    case .sqlite:
      try await withFolder { folder in
        try await body(PrizeDatabase(path: folder.appending(path: "prizes.db").path))
      }
    case .postgresql:
      try await TestPostgres.withSchema(body)
    }
  }

  /// With calls that may take as long as a busy machine needs for all tests at once.
  private static func open(_ database: PrizeDatabase) async throws -> any PrizeStore {
    switch database.location {
    case .sqlite(let file): try await SQLitePrizeStore(path: file.path, lockLimit: .seconds(120))
    case .postgres(let address): try await PostgresPrizeStore(address, limit: .seconds(120))
    }
  }

  /// The same database as another process would open it: with connections of its own.
  func another(now: (@Sendable () -> Date)? = nil) async throws -> any PrizeStore {
    switch database.location {
    case .sqlite(let file):
      try await SQLitePrizeStore(path: file.path, lockLimit: .seconds(120), now: now ?? { Date() })
    case .postgres(let address): try await PostgresPrizeStore(address, limit: .seconds(120), now: now)
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
    switch database.location {
    case .sqlite(let file):
      try Self.connect(to: file).read { db in
        try Row.fetchAll(db, sql: sql).map { row in
          row.databaseValues.map { String.fromDatabaseValue($0) ?? "\($0)" }.joined(separator: " ")
        }
      }
    case .postgres(let address):
      try TestPostgres.run(sql, on: address).map { row in row.map { $0 ?? "NULL" }.joined(separator: " ") }
    }
  }

  func execute(_ sql: String) throws {
    switch database.location {
    case .sqlite(let file): try Self.connect(to: file).write { db in try db.execute(sql: sql) }
    case .postgres(let address): _ = try TestPostgres.run(sql, on: address)
    }
  }

  /// As another program opens the file: it waits for its turn where a store writes at the moment.
  private static func connect(to file: SQLiteFile) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.busyMode = .timeout(60)
    return try DatabaseQueue(path: file.path, configuration: configuration)
  }

  /// Whose, what and how many: "alice coin 7", "pending 456 sword 1".
  func items() throws -> [String] {
    try rows(
      """
      SELECT coalesce(owner_user_id, 'pending ' || pending_discord_user_id), item_type_id, quantity FROM items
      ORDER BY 1, 2, 3
      """)
  }

  /// When the database refuses items of quantity 13.
  enum Refusal {
    case atOnce, atTheCommit
  }

  func refuseThirteen(_ refusal: Refusal) throws {
    switch (database.location, refusal) {
    case (.sqlite, .atOnce):
      try execute(
        """
        CREATE TRIGGER broken BEFORE INSERT ON items WHEN NEW.quantity = 13
        BEGIN SELECT raise(ABORT, 'out of order'); END
        """)
    case (.sqlite, .atTheCommit):
      try execute(
        """
        CREATE TABLE promises (id INTEGER PRIMARY KEY, kept INTEGER NOT NULL
          REFERENCES communities (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER broken AFTER INSERT ON items WHEN NEW.quantity = 13
        BEGIN INSERT INTO promises (kept) VALUES (1); END
        """)
    case (.postgres, .atOnce):
      try refuse(by: "BEFORE", "RAISE EXCEPTION 'out of order'")
    case (.postgres, .atTheCommit):
      try execute("CREATE TABLE promises (kept text REFERENCES communities (id) DEFERRABLE INITIALLY DEFERRED)")
      try refuse(by: "AFTER", "INSERT INTO promises VALUES ('1')")
    }
  }

  private func refuse(by time: String, _ statement: String) throws {
    try execute(
      "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN \(statement.replacing("'", with: "''")); RETURN NEW; END'"
    )
    try execute(
      "CREATE TRIGGER broken \(time) INSERT ON items FOR EACH ROW WHEN (NEW.quantity = 13) EXECUTE FUNCTION broken()")
  }

  func acceptThirteen() throws {
    switch database.location {
    case .sqlite: try execute("DROP TRIGGER broken")
    case .postgres: try execute("DROP TRIGGER broken ON items")
    }
  }

  /// As `prizes holdings` prints them.
  func report(_ holdings: Holdings) -> String {
    HoldingsReport.text(holdings, in: database)
  }

  func handledEvents() throws -> Int { try rows("SELECT key FROM handled_events").count }
}

extension PrizeDatabase {
  /// As the doctor has them where nothing is configured.
  func findings() async -> [Finding] {
    await findings(keepingKeysFor: ConfigurationValues()[PrizePlugin.keepHandledEvents])
  }
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
