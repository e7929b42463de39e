import GRDB
import WorkerKit

/// What the events do to the tables, each inside a savepoint that the store has begun.
///
/// What one throws undoes what it did.
struct PrizeTables {
  let db: Database
  /// When it happens, in ISO 8601.
  let time: String

  /// Records that an event is handled; false when it was before.
  ///
  /// - Throws: ``EventError`` of kind `conflict` when the key stands for an event of other content.
  func record(_ key: EventKey, content: String) throws -> Bool {
    try db.run(
      """
      INSERT INTO handled_events (event_type, key, content, handled_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (event_type, key) DO NOTHING
      """,
      [key.eventType, key.key, content, time])
    guard db.changesCount == 0 else { return true }
    let recorded: String? = try db.value(
      "SELECT content FROM handled_events WHERE event_type = ? AND key = ?", [key.eventType, key.key])
    guard let recorded, recorded.utf8.elementsEqual(content.utf8) else { throw EventError.reusedKey(key) }
    return false
  }

  func grant(_ event: ItemAwarded, as key: EventKey) throws -> Holder {
    let (stacks, community, holder) = try prepare(event)
    if stacks {
      try add(event.quantity.rawValue, of: event.itemTypeId, toStackOf: holder)
    } else {
      guard event.quantity.rawValue <= PrizeRules.mostSingleItems else {
        throw EventError.tooManySingleItems(event)
      }
      try db.run(
        """
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO items (item_type_id, owner_user_id, pending_discord_user_id, stacks, quantity)
        SELECT ?, ?, ?, 0, 1 FROM n
        """,
        [event.quantity, event.itemTypeId, holder.owner, holder.pending])
    }
    var entry = LedgerEntry(holder, to: event.discordUserId, by: key)
    (entry.communityId, entry.itemTypeId, entry.quantity) = (community, event.itemTypeId, event.quantity.rawValue)
    try write(entry)
    return holder
  }

  func transfer(_ event: CharacterAwarded, as key: EventKey) throws -> Holder {
    let state = try db.first(
      "SELECT owner_user_id, pending_discord_user_id FROM characters WHERE id = ?", [event.characterId]
    ) { row in (isOwned: !row.isNull(0), isPending: !row.isNull(1)) }
    guard let state else {
      throw EventError.noCharacter(event)
    }
    guard !state.isOwned, !state.isPending else {
      throw EventError.characterIsTaken(event, isOwned: state.isOwned)
    }
    let holder = try holder(for: event.discordUserId)
    try db.run(
      "UPDATE characters SET owner_user_id = ?, pending_discord_user_id = ? WHERE id = ?",
      [holder.owner, holder.pending, event.characterId])
    var entry = LedgerEntry(holder, to: event.discordUserId, by: key)
    entry.communityId = try db.value("SELECT id FROM communities WHERE discord_guild_id = ?", [event.discordGuildId])
    entry.characterId = event.characterId
    try write(entry)
    return holder
  }

  /// - Parameter key: nil for an import.
  func link(_ event: AccountLinked, as key: EventKey?) throws -> Claim {
    switch try linkedUser(of: event.discordUserId) {
    case event.userId:
      break
    case nil:
      try db.run(
        "INSERT INTO linked_accounts (discord_user_id, user_id) VALUES (?, ?)", [event.discordUserId, event.userId])
    case .some:
      throw EventError.linkedToAnother(event)
    }
    return try claim(pendingFor: event.discordUserId, for: event.userId, by: key)
  }

  func linkedUser(of discordUserId: DiscordUserID) throws -> Identifier? {
    try db.value("SELECT user_id FROM linked_accounts WHERE discord_user_id = ?", [discordUserId])
  }
}

extension PrizeTables {
  private func holder(for discordUserId: DiscordUserID) throws -> Holder {
    if let userId = try linkedUser(of: discordUserId) { .owned(by: userId) } else { .pending(for: discordUserId) }
  }

  /// Whether the items stack, which community's they are, and whose they become.
  private func prepare(_ event: ItemAwarded) throws -> (stacks: Bool, community: Identifier, holder: Holder) {
    let found = try db.first(
      """
      SELECT item_types.stackable, (SELECT user_id FROM linked_accounts WHERE discord_user_id = ?),
        communities.id
      FROM item_types JOIN communities ON communities.id = item_types.community_id
      WHERE item_types.id = ? AND communities.discord_guild_id = ?
      """,
      [event.discordUserId, event.itemTypeId, event.discordGuildId]
    ) { row in
      let stacks: Bool? = try row.value(0)
      let userId: Identifier? = try row.value(1)
      return (
        stacks == true, try row.required(2) as Identifier,
        userId.map { Holder.owned(by: $0) } ?? .pending(for: event.discordUserId)
      )
    }
    guard let found else { throw try notFoundError(event) }
    return found
  }

  private func notFoundError(_ event: ItemAwarded) throws -> EventError {
    let community: Identifier? = try db.value(
      "SELECT id FROM communities WHERE discord_guild_id = ?", [event.discordGuildId])
    guard community != nil else { return .noCommunity(event) }
    let exists: Bool? = try db.value("SELECT 1 FROM item_types WHERE id = ?", [event.itemTypeId])
    return exists == nil ? .noItemType(event) : .foreignItemType(event)
  }

  private static let addToOwned = addition(toStacksBy: "owner_user_id")
  private static let addToPending = addition(toStacksBy: "pending_discord_user_id")

  /// Changes nothing where the stack would become too large.
  private static func addition(toStacksBy column: String) -> String {
    """
    INSERT INTO items (item_type_id, owner_user_id, pending_discord_user_id, stacks, quantity) VALUES (?, ?, ?, 1, ?)
    ON CONFLICT (\(column), item_type_id) WHERE stacks = 1 AND \(column) IS NOT NULL
    DO UPDATE SET quantity = quantity + excluded.quantity
    WHERE quantity <= \(PrizeRules.largestStack) - excluded.quantity
    """
  }

  private func add(_ quantity: Int, of itemTypeId: Identifier, toStackOf holder: Holder) throws {
    let sql =
      switch holder {
      case .owned: Self.addToOwned
      case .pending: Self.addToPending
      }
    try db.run(sql, [itemTypeId, holder.owner, holder.pending, quantity])
    guard db.changesCount == 1 else {
      throw EventError.fullStack(of: itemTypeId)
    }
  }

  private func claim(
    pendingFor discordUserId: DiscordUserID, for userId: Identifier, by key: EventKey?
  ) throws -> Claim {
    var claim = Claim()
    func entry(_ type: Identifier?, _ quantity: Int) throws -> LedgerEntry {
      var entry = LedgerEntry(change: .claimed, discordUserId: discordUserId, userId: userId, event: key)
      (entry.itemTypeId, entry.quantity) = (type, quantity)
      if let type { entry.communityId = try db.value("SELECT community_id FROM item_types WHERE id = ?", [type]) }
      return entry
    }
    let stacks = try db.all(
      "SELECT id, item_type_id, quantity FROM items WHERE pending_discord_user_id = ? AND stacks = 1", [discordUserId]
    ) { row in
      (id: try row.required(0) as Int64, type: try row.required(1) as Identifier, quantity: try row.required(2) as Int)
    }
    for stack in stacks {
      let owned: Int? = try db.value(
        "SELECT quantity FROM items WHERE owner_user_id = ? AND item_type_id = ? AND stacks = 1", [userId, stack.type])
      let claimed = min(stack.quantity, PrizeRules.largestStack - (owned ?? 0))
      if claimed > 0 {
        try add(claimed, of: stack.type, toStackOf: .owned(by: userId))
        claim.items += 1
        try write(entry(stack.type, claimed))
      }
      if claimed == stack.quantity {
        try db.run("DELETE FROM items WHERE id = ?", [stack.id])
      } else {
        try db.run("UPDATE items SET quantity = quantity - ? WHERE id = ?", [claimed, stack.id])
        claim.leftStacks += 1
      }
    }
    let singles = try db.all(
      """
      SELECT item_type_id, count(*) FROM items WHERE pending_discord_user_id = ? AND stacks = 0 GROUP BY 1 ORDER BY 1
      """, [discordUserId]
    ) { row in (type: try row.required(0) as Identifier, count: try row.required(1) as Int) }
    for single in singles { try write(entry(single.type, single.count)) }
    try db.run(
      """
      UPDATE items SET owner_user_id = ?, pending_discord_user_id = NULL
      WHERE pending_discord_user_id = ? AND stacks = 0
      """, [userId, discordUserId])
    claim.items += db.changesCount
    let characters: [Identifier] = try db.all(
      "SELECT id FROM characters WHERE pending_discord_user_id = ? ORDER BY id", [discordUserId]
    ) { row in try row.required(0) }
    for character in characters {
      var entry = try entry(nil, 1)
      entry.characterId = character
      try write(entry)
    }
    try db.run(
      "UPDATE characters SET owner_user_id = ?, pending_discord_user_id = NULL WHERE pending_discord_user_id = ?",
      [userId, discordUserId])
    claim.characters = db.changesCount
    return claim
  }
}

// MARK: - The ledger

extension PrizeTables {
  private func write(_ entry: LedgerEntry) throws {
    try db.run(
      """
      INSERT INTO ledger
        (at, change, discord_user_id, user_id, community_id, item_type_id, character_id, quantity, event_type, key)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        time, entry.change.rawValue, entry.discordUserId, entry.userId, entry.communityId, entry.itemTypeId,
        entry.characterId, entry.quantity, entry.event?.eventType, entry.event?.key,
      ])
  }
}

extension Holder {
  /// The two columns of a prize's row, of which one is NULL.
  var owner: Identifier? {
    if case .owned(let userId) = self { userId } else { nil }
  }

  var pending: DiscordUserID? {
    if case .pending(let discordUserId) = self { discordUserId } else { nil }
  }
}
