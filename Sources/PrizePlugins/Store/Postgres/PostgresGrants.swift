import WorkerKit

/// What the three kinds of event do to the tables, a batch at a time: they lock and read what it needs, decide in memory, event by
/// event, and write the sum.
enum PostgresGrants {
  static func grant(
    _ events: [KeyedEvent<ItemAwarded>], at time: String?, in transaction: PostgresTransaction
  ) throws -> [Result<Handled<Holder>, any Error>] {
    var batch = PostgresBatch(events)
    var accounts = PostgresAccounts(events.map(\.event.discordUserId))
    let read = try transaction.run(
      [batch.claimKeys(at: time)] + accounts.lock() + [
        PostgresStatement(
          """
          SELECT item_types.id, item_types.stackable::int, communities.discord_guild_id, communities.id
          FROM item_types JOIN communities ON communities.id = item_types.community_id WHERE item_types.id = ANY ($1::text[])
          """, PostgresStatement.array(Set(events.map(\.event.itemTypeId)).map(\.rawValue))),
        PostgresStatement(
          "SELECT discord_guild_id FROM communities WHERE discord_guild_id = ANY ($1::text[])",
          PostgresStatement.array(Set(events.map(\.event.discordGuildId)).map(\.rawValue))),
      ])
    try batch.readKeys(read[0], in: transaction)
    try accounts.read(read[3])
    var types: [Identifier: (stacks: Bool, guild: DiscordGuildID, community: Identifier)] = [:]
    for row in read[4].rows {
      types[try Identifier(stored: row[0])] = (
        row[1] == "1", try DiscordGuildID(stored: row[2]), try Identifier(stored: row[3])
      )
    }
    let guilds = Set(try read[5].rows.map { try DiscordGuildID(stored: $0[0]) })

    var items = PostgresItems()
    var ledger = PostgresLedger()
    let outcomes = batch.outcomes { (keyed) throws(EventError) -> Holder in
      let event = keyed.event
      guard guilds.contains(event.discordGuildId) else { throw EventError.noCommunity(event) }
      guard let type = types[event.itemTypeId] else { throw EventError.noItemType(event) }
      guard type.guild == event.discordGuildId else { throw EventError.foreignItemType(event) }
      guard type.stacks || event.quantity.rawValue <= PrizeRules.mostSingleItems else {
        throw EventError.tooManySingleItems(event)
      }
      let holder = accounts.holder(for: event.discordUserId)
      items.add(event.quantity.rawValue, of: event.itemTypeId, to: holder, stacks: type.stacks)
      var entry = LedgerEntry(holder, to: event.discordUserId, by: keyed.key)
      (entry.communityId, entry.itemTypeId) = (type.community, event.itemTypeId)
      entry.quantity = event.quantity.rawValue
      ledger.add(entry)
      return holder
    }
    try transaction.finish(items.writes + ledger.writes(at: time) + batch.corrections)
    return outcomes
  }

  static func transfer(
    _ events: [KeyedEvent<CharacterAwarded>], at time: String?, in transaction: PostgresTransaction
  ) throws -> [Result<Handled<Holder>, any Error>] {
    var batch = PostgresBatch(events)
    var accounts = PostgresAccounts(events.map(\.event.discordUserId))
    let read = try transaction.run(
      [batch.claimKeys(at: time)] + accounts.lock() + [
        PostgresStatement(
          """
          SELECT id, owner_user_id, pending_discord_user_id FROM characters WHERE id = ANY ($1::text[])
          ORDER BY id FOR NO KEY UPDATE
          """, PostgresStatement.array(Set(events.map(\.event.characterId)).map(\.rawValue))),
        PostgresStatement(
          "SELECT discord_guild_id, id FROM communities WHERE discord_guild_id = ANY ($1::text[])",
          PostgresStatement.array(Set(events.map(\.event.discordGuildId)).map(\.rawValue))),
      ])
    try batch.readKeys(read[0], in: transaction)
    try accounts.read(read[3])
    var states: [Identifier: (isOwned: Bool, isPending: Bool)] = [:]
    for row in read[4].rows { states[try Identifier(stored: row[0])] = (row[1] != nil, row[2] != nil) }

    var communities: [DiscordGuildID: Identifier] = [:]
    for row in read[5].rows { communities[try DiscordGuildID(stored: row[0])] = try Identifier(stored: row[1]) }

    var ledger = PostgresLedger()
    var transfers: [(character: Identifier, holder: Holder)] = []
    let outcomes = batch.outcomes { (keyed) throws(EventError) -> Holder in
      let event = keyed.event
      guard let state = states[event.characterId] else { throw EventError.noCharacter(event) }
      guard !state.isOwned, !state.isPending else {
        throw EventError.characterIsTaken(event, isOwned: state.isOwned)
      }
      let holder = accounts.holder(for: event.discordUserId)
      states[event.characterId] = (holder.owner != nil, holder.pending != nil)
      transfers.append((event.characterId, holder))
      var entry = LedgerEntry(holder, to: event.discordUserId, by: keyed.key)
      (entry.communityId, entry.characterId) = (communities[event.discordGuildId], event.characterId)
      ledger.add(entry)
      return holder
    }
    var writes: [PostgresStatement] = []
    if !transfers.isEmpty {
      writes.append(
        PostgresStatement(
          """
          UPDATE characters SET owner_user_id = t.owner, pending_discord_user_id = t.pending
          FROM unnest($1::text[], $2::text[], $3::text[]) AS t (id, owner, pending) WHERE characters.id = t.id
          """,
          PostgresStatement.array(transfers.map(\.character.rawValue)),
          PostgresStatement.array(transfers.map { $0.holder.owner?.rawValue }),
          PostgresStatement.array(transfers.map { $0.holder.pending?.rawValue })))
    }
    try transaction.finish(writes + ledger.writes(at: time) + batch.corrections)
    return outcomes
  }

  static func link(
    _ events: [KeyedEvent<AccountLinked>], at time: String?, in transaction: PostgresTransaction
  ) throws -> [Result<Handled<Claim>, any Error>] {
    var batch = PostgresBatch(events)
    var accounts = PostgresAccounts(events.map(\.event.discordUserId))
    let read = try transaction.run([batch.claimKeys(at: time)] + accounts.lock(locksLinked: true))
    try batch.readKeys(read[0], in: transaction)
    try accounts.read(read[3])
    var claims = try PostgresClaims(
      Set(events.map(\.event.discordUserId)), candidates: Set(events.map(\.event.userId)), in: transaction)
    let outcomes = batch.outcomes { (keyed) throws(EventError) -> Claim in
      let event = keyed.event
      guard accounts.users[event.discordUserId] ?? event.userId == event.userId else {
        throw EventError.linkedToAnother(event)
      }
      accounts.link(event.discordUserId, to: event.userId)
      return claims.claim(pendingFor: event.discordUserId, for: event.userId, by: keyed.key)
    }
    try claims.finish(transaction, at: time, with: batch.corrections)
    return outcomes
  }
}
