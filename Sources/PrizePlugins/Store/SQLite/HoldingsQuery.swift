import GRDB

/// Reads ``Holdings`` in one transaction, so that a prize that is claimed meanwhile shows up once.
struct HoldingsQuery {
  let db: Database

  /// - Parameter id: A user's id where some account is linked to such a user, else a Discord account's.
  func run(_ id: Identifier, withHistory: Bool = false) throws -> Holdings {
    var holdings = Holdings(id: id)
    let discordUserId = DiscordUserID(rawValue: id.rawValue)
    if try isLinked(userId: id) {
      holdings.userId = id
    } else if let discordUserId {
      holdings.userId = try db.value(
        "SELECT user_id FROM linked_accounts WHERE discord_user_id = ?", [discordUserId])
    }
    if let userId = holdings.userId {
      holdings.discordUserIds = try db.all(
        "SELECT discord_user_id FROM linked_accounts WHERE user_id = ? ORDER BY discord_user_id", [userId]
      ) { row in try row.required(0) }
      holdings.items.owned = try items("owner_user_id = ?", userId)
      // What did not fit the user's stacks when an account was linked.
      holdings.items.pending = try items(
        "pending_discord_user_id IN (SELECT discord_user_id FROM linked_accounts WHERE user_id = ?)", userId)
      holdings.characters.owned = try characters("owner_user_id = ?", userId)
    } else if let discordUserId {
      holdings.discordUserIds = [discordUserId]
      holdings.items.pending = try items("pending_discord_user_id = ?", discordUserId)
      holdings.characters.pending = try characters("pending_discord_user_id = ?", discordUserId)
    }
    if withHistory { holdings.history = try history(of: holdings.userId, holdings.discordUserIds) }
    return holdings
  }

  private func history(of userId: Identifier?, _ accounts: [DiscordUserID]) throws -> [LedgerEntry] {
    // With neither, SQLite would look through the whole ledger.
    guard userId != nil || !accounts.isEmpty else { return [] }
    let marks = Array(repeating: "?", count: accounts.count).joined(separator: ", ")
    return try db.all(
      """
      SELECT at, change, discord_user_id, user_id, community_id, item_type_id, character_id, quantity, event_type, key
      FROM ledger WHERE user_id = ? OR discord_user_id IN (\(marks)) ORDER BY id DESC LIMIT \(LedgerEntry.mostShown)
      """, [userId] + accounts
    ) { row in
      let change: String = try row.required(1)
      guard let change = LedgerEntry.Change(rawValue: change) else {
        throw DatabaseError(resultCode: .SQLITE_MISMATCH, message: "there is no valid change in the ledger")
      }
      var entry = LedgerEntry(
        at: try row.required(0), change: change, discordUserId: try row.required(2), quantity: try row.required(7))
      entry.userId = try row.value(3)
      entry.communityId = try row.value(4)
      entry.itemTypeId = try row.value(5)
      entry.characterId = try row.value(6)
      if let type: String = try row.value(8), let key: String = try row.value(9) {
        entry.event = EventKey(eventType: type, key: key)
      }
      return entry
    }
  }

  private func isLinked(userId: Identifier) throws -> Bool {
    try db.value("SELECT EXISTS (SELECT 1 FROM linked_accounts WHERE user_id = ?)", [userId]) ?? false
  }

  private func items(_ condition: String, _ holder: any DatabaseValueConvertible) throws -> [Holdings.Item] {
    try db.all(
      """
      SELECT item_types.id, item_types.name, sum(items.quantity)
      FROM items JOIN item_types ON item_types.id = items.item_type_id
      WHERE \(condition) GROUP BY item_types.id ORDER BY item_types.id
      """,
      [holder]
    ) { row in
      Holdings.Item(itemTypeId: try row.required(0), name: try row.required(1), quantity: try row.required(2))
    }
  }

  private func characters(_ condition: String, _ holder: any DatabaseValueConvertible) throws -> [Holdings.Character] {
    try db.all("SELECT id, name FROM characters WHERE \(condition) ORDER BY id", [holder]) { row in
      Holdings.Character(characterId: try row.required(0), name: try row.required(1))
    }
  }
}
