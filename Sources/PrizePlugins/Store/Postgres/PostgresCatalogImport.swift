import WorkerKit

/// Writes a catalog in one transaction: adds what is new, updates what is there, removes nothing, and leaves what anyone holds as it
/// is. One import at a time; grants go on beside it.
struct PostgresCatalogImport {
  let catalog: Catalog

  func run(in transaction: PostgresTransaction) throws -> ImportCounts {
    var accounts = PostgresAccounts(catalog.accounts.map(\.discordUserId))
    let types = catalog.communities.flatMap { community in
      community.itemTypes.map { (community: community.id, type: $0) }
    }
    let read = try transaction.run(
      [
        // Excludes other imports only; readers continue.
        PostgresStatement("LOCK TABLE communities IN SHARE ROW EXCLUSIVE MODE"),
        PostgresStatement(
          "SELECT discord_guild_id, id FROM communities WHERE discord_guild_id = ANY ($1::text[])",
          PostgresStatement.array(catalog.communities.map(\.discordGuildId.rawValue))),
        PostgresStatement(
          "SELECT id, community_id FROM item_types WHERE id = ANY ($1::text[])",
          PostgresStatement.array(types.map(\.type.id.rawValue))),
      ] + accounts.lock(locksLinked: true))
    try accounts.read(read[5])
    let problems =
      try communityProblems(holders: read[1])
      + itemTypeProblems(types.map { ($0.community, $0.type) }, holders: read[2])
      + accountProblems(accounts)
    guard problems.isEmpty else {
      try transaction.undo()
      throw CatalogError(file: catalog.file, problems: problems)
    }
    var claims = try PostgresClaims(
      Set(catalog.accounts.map(\.discordUserId)), candidates: Set(catalog.accounts.map(\.userId)), in: transaction)
    var leftStacks = 0
    for account in catalog.accounts {
      leftStacks += claims.claim(pendingFor: account.discordUserId, for: account.userId, by: nil).leftStacks
    }
    _ = try transaction.run(writes(types.map { ($0.community, $0.type) }))
    try claims.finish(transaction, at: nil, with: characterWrites)
    return ImportCounts(
      communities: catalog.communities.count, itemTypes: types.count, characters: catalog.characters.count,
      accounts: catalog.accounts.count, leftStacks: leftStacks)
  }

  private func writes(_ types: [(Identifier, Catalog.ItemType)]) -> [PostgresStatement] {
    let communities = catalog.communities.sorted { $0.id < $1.id }
    let types = types.sorted { $0.1.id < $1.1.id }
    return [
      // One statement, after which each guild must be one community's: two may swap theirs.
      PostgresStatement(
        """
        INSERT INTO communities (id, discord_guild_id, name)
        SELECT id, guild, name FROM unnest($1::text[], $2::text[], $3::text[]) AS c (id, guild, name)
        ON CONFLICT (id) DO UPDATE SET discord_guild_id = excluded.discord_guild_id, name = excluded.name
        """,
        PostgresStatement.array(communities.map(\.id.rawValue)),
        PostgresStatement.array(communities.map(\.discordGuildId.rawValue)),
        PostgresStatement.array(communities.map(\.name))),
      PostgresStatement(
        """
        INSERT INTO item_types (id, community_id, name, stackable)
        SELECT id, community, name, stackable = 1
        FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS t (id, community, name, stackable)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, stackable = excluded.stackable
        """,
        PostgresStatement.array(types.map(\.1.id.rawValue)), PostgresStatement.array(types.map(\.0.rawValue)),
        PostgresStatement.array(types.map(\.1.name)), PostgresStatement.array(types.map { $0.1.stackable ? 1 : 0 })),
    ]
  }

  private var characterWrites: [PostgresStatement] {
    let characters = catalog.characters.sorted { $0.id < $1.id }
    return [
      PostgresStatement(
        """
        INSERT INTO characters (id, name)
        SELECT id, name FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS c (id, name, n) ORDER BY n
        ON CONFLICT (id) DO UPDATE SET name = excluded.name
        """,
        PostgresStatement.array(characters.map(\.id.rawValue)), PostgresStatement.array(characters.map(\.name)))
    ]
  }

  // MARK: - What contradicts the store

  private func communityProblems(holders: PostgresRows) throws -> [CatalogError.Problem] {
    let imported = Set(catalog.communities.map(\.id))
    var holder: [DiscordGuildID: Identifier] = [:]
    for row in holders.rows { holder[try DiscordGuildID(stored: row[0])] = try Identifier(stored: row[1]) }
    return catalog.communities.compactMap { community in
      guard let holder = holder[community.discordGuildId], holder != community.id, !imported.contains(holder) else {
        return nil
      }
      return .guildBelongs(community, to: holder)
    }
  }

  private func itemTypeProblems(
    _ types: [(Identifier, Catalog.ItemType)], holders: PostgresRows
  ) throws -> [CatalogError.Problem] {
    var holder: [Identifier: Identifier] = [:]
    for row in holders.rows { holder[try Identifier(stored: row[0])] = try Identifier(stored: row[1]) }
    return types.compactMap { community, type in
      guard let holder = holder[type.id], holder != community else { return nil }
      return .itemTypeBelongs(type, to: holder)
    }
  }

  private func accountProblems(_ accounts: PostgresAccounts) -> [CatalogError.Problem] {
    catalog.accounts.compactMap { account in
      guard let user = accounts.users[account.discordUserId], user != account.userId else { return nil }
      return .accountIsLinked(account, to: user)
    }
  }
}

extension Identifier {
  static func < (left: Identifier, right: Identifier) -> Bool {
    left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
  }
}
