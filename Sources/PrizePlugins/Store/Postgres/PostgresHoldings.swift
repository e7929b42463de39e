/// Reads ``Holdings`` in one transaction, so that a prize that is claimed meanwhile shows up once.
enum PostgresHoldings {
  /// - Parameter id: A user's id where some account is linked to such a user, else a Discord account's.
  static func read(
    _ id: Identifier, withHistory: Bool = false, in transaction: PostgresTransaction
  ) throws -> Holdings {
    var holdings = Holdings(id: id)
    let discordUserId = DiscordUserID(rawValue: id.rawValue)
    let found = try transaction.run([
      PostgresStatement(
        """
        SELECT coalesce((SELECT user_id FROM linked_accounts WHERE user_id = $1 LIMIT 1),
          (SELECT user_id FROM linked_accounts WHERE discord_user_id = $1))
        """, id.rawValue)
    ])
    if let user = found[0].rows[0][0] { holdings.userId = try Identifier(stored: user) }
    if let userId = holdings.userId {
      let read = try transaction.run([
        PostgresStatement(
          "SELECT discord_user_id FROM linked_accounts WHERE user_id = $1 ORDER BY discord_user_id", userId.rawValue),
        items("owner_user_id = $1", userId.rawValue),
        // What did not fit the user's stacks when an account was linked.
        items(
          "pending_discord_user_id IN (SELECT discord_user_id FROM linked_accounts WHERE user_id = $1)", userId.rawValue
        ),
        characters("owner_user_id = $1", userId.rawValue),
      ])
      holdings.discordUserIds = try read[0].rows.map { try DiscordUserID(stored: $0[0]) }
      holdings.items.owned = try read[1].required().map(item)
      holdings.items.pending = try read[2].required().map(item)
      holdings.characters.owned = try read[3].required().map(character)
    } else if let discordUserId {
      holdings.discordUserIds = [discordUserId]
      let read = try transaction.run([
        items("pending_discord_user_id = $1", discordUserId.rawValue),
        characters("pending_discord_user_id = $1", discordUserId.rawValue),
      ])
      holdings.items.pending = try read[0].required().map(item)
      holdings.characters.pending = try read[1].required().map(character)
    }
    if withHistory {
      let read = try transaction.run([
        PostgresLedger.latest(userId: holdings.userId, accounts: holdings.discordUserIds)
      ])
      holdings.history = try read[0].rows.map { try PostgresLedger.entry($0) }
    }
    try transaction.finish()
    return holdings
  }

  private static func items(_ condition: String, _ holder: String) -> PostgresStatement {
    PostgresStatement(
      """
      SELECT item_types.id, item_types.name, sum(items.quantity)
      FROM items JOIN item_types ON item_types.id = items.item_type_id
      WHERE \(condition) GROUP BY item_types.id, item_types.name ORDER BY item_types.id
      """, holder)
  }

  private static func characters(_ condition: String, _ holder: String) -> PostgresStatement {
    PostgresStatement("SELECT id, name FROM characters WHERE \(condition) ORDER BY id", holder)
  }

  private static func item(_ row: [String]) throws -> Holdings.Item {
    guard let quantity = Int(row[2]) else { throw PostgresFailure(state: "22003", message: "a sum is too large") }
    return Holdings.Item(itemTypeId: try Identifier(stored: row[0]), name: row[1], quantity: quantity)
  }

  private static func character(_ row: [String]) throws -> Holdings.Character {
    Holdings.Character(characterId: try Identifier(stored: row[0]), name: row[1])
  }
}
