/// The ledger's lines of one transaction.
struct PostgresLedger {
  private var entries: [LedgerEntry] = []

  mutating func add(_ entry: LedgerEntry) {
    entries.append(entry)
  }

  mutating func add(_ others: [LedgerEntry]) {
    entries += others
  }

  /// - Parameter time: In ISO 8601; by the server's clock where it is nil.
  func writes(at time: String?) -> [PostgresStatement] {
    guard !entries.isEmpty else { return [] }
    return [
      PostgresStatement(
        """
        INSERT INTO ledger
          (at, change, discord_user_id, user_id, community_id, item_type_id, character_id, quantity, event_type, key)
        SELECT coalesce($10::timestamptz, now()), change, account, owner, community, item, character, quantity, event_type, key
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[])
          WITH ORDINALITY AS l (change, account, owner, community, item, character, quantity, event_type, key, n) ORDER BY n
        """,
        PostgresStatement.array(entries.map(\.change.rawValue)),
        PostgresStatement.array(entries.map(\.discordUserId.rawValue)),
        PostgresStatement.array(entries.map { $0.userId?.rawValue }),
        PostgresStatement.array(entries.map { $0.communityId?.rawValue }),
        PostgresStatement.array(entries.map { $0.itemTypeId?.rawValue }),
        PostgresStatement.array(entries.map { $0.characterId?.rawValue }),
        PostgresStatement.array(entries.map(\.quantity)), PostgresStatement.array(entries.map { $0.event?.eventType }),
        PostgresStatement.array(entries.map { $0.event?.key }), time)
    ]
  }

  /// The latest lines of a user or of accounts, latest first.
  static func latest(userId: Identifier?, accounts: [DiscordUserID]) -> PostgresStatement {
    PostgresStatement(
      """
      SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), change, discord_user_id, user_id, community_id,
        item_type_id, character_id, quantity, event_type, key
      FROM ledger WHERE user_id = $1 OR discord_user_id = ANY ($2::text[]) ORDER BY id DESC LIMIT \(LedgerEntry.mostShown)
      """, userId?.rawValue, PostgresStatement.array(accounts.map(\.rawValue)))
  }

  static func entry(_ row: [String?]) throws -> LedgerEntry {
    guard let at = row[0], let change = row[1].flatMap({ LedgerEntry.Change(rawValue: $0) }),
      let quantity = row[7].flatMap({ Int($0) })
    else { throw PostgresFailure(state: "22000", message: "there is no valid line in the ledger") }
    var entry = LedgerEntry(
      at: at, change: change, discordUserId: try DiscordUserID(stored: row[2]), quantity: quantity)
    entry.userId = try row[3].map { try Identifier(stored: $0) }
    entry.communityId = try row[4].map { try Identifier(stored: $0) }
    entry.itemTypeId = try row[5].map { try Identifier(stored: $0) }
    entry.characterId = try row[6].map { try Identifier(stored: $0) }
    if let type = row[8], let key = row[9] { entry.event = EventKey(eventType: type, key: key) }
    return entry
  }
}
