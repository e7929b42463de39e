import GRDB

/// Reads ``Holdings`` in one transaction, so that a prize that is claimed meanwhile shows up once.
struct HoldingsQuery {
  let db: Database

  /// - Parameter id: A user's id where some account is linked to such a user, else a Discord account's.
  func run(_ id: Identifier) throws -> Holdings {
    var holdings = Holdings(id: id)
    let discordUserId = DiscordUserID(rawValue: id.rawValue)
    if try isLinked(userId: id) {
      holdings.userId = id
    } else if let discordUserId {
      holdings.userId = try PrizeLedger(db: db).linkedUser(of: discordUserId)
    }
    if let userId = holdings.userId {
      holdings.discordUserIds = try DiscordUserID.fetchAll(
        db, sql: "SELECT discord_user_id FROM linked_accounts WHERE user_id = ? ORDER BY discord_user_id",
        arguments: [userId])
      holdings.items.owned = try items("owner_user_id", userId)
      holdings.characters.owned = try characters("owner_user_id", userId)
    } else if let discordUserId {
      holdings.discordUserIds = [discordUserId]
      // A linked account has nothing pending: linking claims it, and grants are owned from then on.
      holdings.items.pending = try items("pending_discord_user_id", discordUserId)
      holdings.characters.pending = try characters("pending_discord_user_id", discordUserId)
    }
    return holdings
  }

  private func isLinked(userId: Identifier) throws -> Bool {
    try db.value("SELECT EXISTS (SELECT 1 FROM linked_accounts WHERE user_id = ?)", [userId]) ?? false
  }

  private func items(_ column: String, _ holder: any DatabaseValueConvertible) throws -> [Holdings.Item] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT item_types.id, item_types.name, sum(items.quantity) AS quantity
        FROM items JOIN item_types ON item_types.id = items.item_type_id
        WHERE items.\(column) = ? GROUP BY item_types.id ORDER BY item_types.id
        """,
      arguments: [holder]
    ).map { Holdings.Item(itemTypeId: try $0.decode(forColumn: "id"), name: $0["name"], quantity: $0["quantity"]) }
  }

  private func characters(_ column: String, _ holder: any DatabaseValueConvertible) throws -> [Holdings.Character] {
    try Row.fetchAll(
      db, sql: "SELECT id, name FROM characters WHERE \(column) = ? ORDER BY id", arguments: [holder]
    ).map { Holdings.Character(characterId: try $0.decode(forColumn: "id"), name: $0["name"]) }
  }
}
