import Foundation

/// What a grant is to SQLite, through its own C interface and without a savepoint: the worker's tables and indices, and its
/// statements. No program that keeps the same things does more grants on this disk.
struct GrantStatements: Contender {
  struct Grant {
    var key: String
    var content: String
    var user: String
  }

  let name: String

  private let connection: BareSQLite.Connection
  private let begin: BareSQLite.Statement
  private let record: BareSQLite.Statement
  private let look: BareSQLite.Statement
  private let add: BareSQLite.Statement
  /// nil where there is no ledger, to see what it costs.
  private let ledger: BareSQLite.Statement?
  private let commit: BareSQLite.Statement

  init(file: URL, hasLedger: Bool = true) async throws {
    name = hasLedger ? "bare grants" : "without a ledger"
    _ = try await PrizeGrants.prepare(file)
    connection = try BareSQLite.Connection(file)
    for pragma in ["synchronous = FULL", "foreign_keys = ON"] {
      try connection.prepare("PRAGMA \(pragma)").run()
    }
    begin = try connection.prepare("BEGIN IMMEDIATE")
    record = try connection.prepare(
      """
      INSERT INTO handled_events (event_type, key, content, handled_at)
      VALUES ('ITEM_AWARDED', ?, ?, '2026-01-01T00:00:00Z') ON CONFLICT (event_type, key) DO NOTHING
      """)
    look = try connection.prepare(
      """
      SELECT item_types.stackable, (SELECT user_id FROM linked_accounts WHERE discord_user_id = ?)
      FROM item_types JOIN communities ON communities.id = item_types.community_id
      WHERE item_types.id = 'cluid123abc' AND communities.discord_guild_id = '123456789012345678'
      """)
    add = try connection.prepare(
      """
      INSERT INTO items (item_type_id, pending_discord_user_id, stacks, quantity) VALUES ('cluid123abc', ?, 1, 1)
      ON CONFLICT (pending_discord_user_id, item_type_id) WHERE stacks = 1 AND pending_discord_user_id IS NOT NULL
      DO UPDATE SET quantity = quantity + excluded.quantity WHERE quantity <= 9007199254740991 - excluded.quantity
      """)
    ledger =
      hasLedger
      ? try connection.prepare(
        """
        INSERT INTO ledger
          (at, change, discord_user_id, user_id, community_id, item_type_id, character_id, quantity, event_type, key)
        VALUES ('2026-01-01T00:00:00Z', 'pending', ?, NULL, 'crew', 'cluid123abc', NULL, 1, 'ITEM_AWARDED', ?)
        """) : nil
    commit = try connection.prepare("COMMIT")
  }

  func grant(number: Int) -> Grant {
    let user = "\(1_000 + number % 1_000)"
    return Grant(
      key: UUID().uuidString,
      content:
        #"{"discordGuildId":"123456789012345678","discordUserId":"\#(user)","itemTypeId":"cluid123abc","quantity":1}"#,
      user: user)
  }

  func commit(_ grants: [Grant]) throws {
    try begin.run()
    for grant in grants {
      try record.run([grant.key, grant.content])
      try look.run([grant.user])
      try add.run([grant.user])
      try ledger?.run([grant.user, grant.key])
    }
    try commit.run()
  }

  func check(count: Int) throws {
    let granted = try connection.number("SELECT sum(quantity) FROM items")
    let handled = try connection.number("SELECT count(*) FROM handled_events")
    guard granted == count, handled == count else {
      throw BenchmarkError("\(count) grants, but \(granted) items and \(handled) keys")
    }
  }
}
