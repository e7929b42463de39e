import GRDB
import WorkerKit

/// What the events do to the tables, each inside a savepoint that the store has begun.
///
/// What one throws undoes what it did.
struct PrizeLedger {
  /// The most items that do not stack in one event. Each is a row of its own, and one message must not be able to fill
  /// the disk.
  static let mostSingleItems = 1_000

  let db: Database

  /// Records that an event is handled; false when it was before.
  ///
  /// - Parameter time: In ISO 8601.
  /// - Throws: ``EventError`` of kind `conflict` when the key stands for an event of other content.
  func record(_ key: EventKey, content: String, at time: String) throws -> Bool {
    try db.run(
      """
      INSERT INTO handled_events (event_type, key, content, handled_at) VALUES (?, ?, ?, ?)
      ON CONFLICT (event_type, key) DO NOTHING
      """,
      [key.eventType, key.key, content, time])
    guard db.changesCount == 0 else { return true }
    let recorded: String? = try db.value(
      "SELECT content FROM handled_events WHERE event_type = ? AND key = ?", [key.eventType, key.key])
    guard recorded == content else {
      throw EventError(
        .conflict,
        "an event of other content was handled under the same key: the producer reused an IdempotencyKey for another "
          + "\(key.eventType); send this one again under a key of its own")
    }
    return false
  }

  func grant(_ event: ItemAwarded) throws -> Holder {
    let (stacks, holder) = try prepare(event)
    if stacks {
      try add(event.quantity.rawValue, of: event.itemTypeId, toStackOf: holder)
    } else {
      guard event.quantity.rawValue <= Self.mostSingleItems else {
        throw EventError(
          .validation,
          "an item that does not stack can be awarded at most \(Self.mostSingleItems) times by one event; send several",
          field: "quantity", received: event.quantity.description)
      }
      try db.run(
        """
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO items (item_type_id, owner_user_id, pending_discord_user_id, stacks, quantity)
        SELECT ?, ?, ?, 0, 1 FROM n
        """,
        [event.quantity, event.itemTypeId, holder.owner, holder.pending])
    }
    return holder
  }

  func transfer(_ event: CharacterAwarded) throws -> Holder {
    let state = try db.first(
      "SELECT owner_user_id, pending_discord_user_id FROM characters WHERE id = ?", [event.characterId]
    ) { row in (isOwned: !row.isNull(0), isPending: !row.isNull(1)) }
    guard let state else {
      throw EventError(
        .notFound, "character \(event.characterId) does not exist; import it, or correct characterId",
        field: "characterId", received: event.characterId.rawValue)
    }
    guard !state.isOwned, !state.isPending else {
      let how = state.isOwned ? "by a user" : "and waits for its owner's account to be linked"
      throw EventError(
        .conflict, "character \(event.characterId) is already owned, \(how); award one that is orphaned",
        field: "characterId", received: event.characterId.rawValue)
    }
    let holder = try holder(for: event.discordUserId)
    try db.run(
      "UPDATE characters SET owner_user_id = ?, pending_discord_user_id = ? WHERE id = ?",
      [holder.owner, holder.pending, event.characterId])
    return holder
  }

  func link(_ event: AccountLinked) throws -> Claim {
    switch try linkedUser(of: event.discordUserId) {
    case event.userId:
      break
    case nil:
      try db.run(
        "INSERT INTO linked_accounts (discord_user_id, user_id) VALUES (?, ?)", [event.discordUserId, event.userId])
    case .some:
      throw EventError(
        .conflict, "this Discord account is already linked to another user; correct userId or discordUserId",
        field: "userId", received: event.userId.rawValue)
    }
    return try claim(pendingFor: event.discordUserId, for: event.userId)
  }

  func linkedUser(of discordUserId: DiscordUserID) throws -> Identifier? {
    try db.value("SELECT user_id FROM linked_accounts WHERE discord_user_id = ?", [discordUserId])
  }
}

extension PrizeLedger {
  private func holder(for discordUserId: DiscordUserID) throws -> Holder {
    if let userId = try linkedUser(of: discordUserId) { .owned(by: userId) } else { .pending(for: discordUserId) }
  }

  /// Whether the items stack, and whose they become.
  private func prepare(_ event: ItemAwarded) throws -> (stacks: Bool, holder: Holder) {
    let found = try db.first(
      """
      SELECT item_types.stackable, (SELECT user_id FROM linked_accounts WHERE discord_user_id = ?)
      FROM item_types JOIN communities ON communities.id = item_types.community_id
      WHERE item_types.id = ? AND communities.discord_guild_id = ?
      """,
      [event.discordUserId, event.itemTypeId, event.discordGuildId]
    ) { row in
      let stacks: Bool? = try row.value(0)
      let userId: Identifier? = try row.value(1)
      return (stacks == true, userId.map { Holder.owned(by: $0) } ?? .pending(for: event.discordUserId))
    }
    guard let found else { throw try whyNotFound(event) }
    return found
  }

  private func whyNotFound(_ event: ItemAwarded) throws -> EventError {
    let community: Identifier? = try db.value(
      "SELECT id FROM communities WHERE discord_guild_id = ?", [event.discordGuildId])
    guard community != nil else {
      return EventError(
        .notFound, "no community belongs to guild \(event.discordGuildId); import one, or correct discordGuildId",
        field: "discordGuildId", received: event.discordGuildId.rawValue)
    }
    let exists: Bool? = try db.value("SELECT 1 FROM item_types WHERE id = ?", [event.itemTypeId])
    return EventError(
      .notFound,
      exists == nil
        ? "item type \(event.itemTypeId) does not exist; import it, or correct itemTypeId"
        : "item type \(event.itemTypeId) does not belong to the community of guild \(event.discordGuildId); "
          + "correct itemTypeId or discordGuildId",
      field: "itemTypeId", received: event.itemTypeId.rawValue)
  }

  private static let addToOwned = addition(toStacksBy: "owner_user_id")
  private static let addToPending = addition(toStacksBy: "pending_discord_user_id")

  /// Changes nothing where the stack would become too large.
  private static func addition(toStacksBy column: String) -> String {
    """
    INSERT INTO items (item_type_id, owner_user_id, pending_discord_user_id, stacks, quantity) VALUES (?, ?, ?, 1, ?)
    ON CONFLICT (\(column), item_type_id) WHERE stacks = 1 AND \(column) IS NOT NULL
    DO UPDATE SET quantity = quantity + excluded.quantity
    WHERE quantity <= \(PrizeSchema.largestStack) - excluded.quantity
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
      throw EventError(
        .conflict,
        "a stack of item type \(itemTypeId) would hold more than \(PrizeSchema.largestStack); look for a producer that "
          + "awards too much")
    }
  }

  private func claim(pendingFor discordUserId: DiscordUserID, for userId: Identifier) throws -> Claim {
    var claim = Claim()
    let stacks = try Row.fetchAll(
      db, sql: "SELECT id, item_type_id, quantity FROM items WHERE pending_discord_user_id = ? AND stacks = 1",
      arguments: [discordUserId])
    for stack in stacks {
      let id: Int64 = stack["id"]
      let itemTypeId = try stack.decode(Identifier.self, forColumn: "item_type_id")
      try add(stack["quantity"], of: itemTypeId, toStackOf: .owned(by: userId))
      try db.run("DELETE FROM items WHERE id = ?", [id])
      claim.items += 1
    }
    for table in ["items", "characters"] {
      try db.run(
        "UPDATE \(table) SET owner_user_id = ?, pending_discord_user_id = NULL WHERE pending_discord_user_id = ?",
        [userId, discordUserId])
      if table == "items" { claim.items += db.changesCount } else { claim.characters += db.changesCount }
    }
    return claim
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
