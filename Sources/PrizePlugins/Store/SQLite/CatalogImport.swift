import GRDB

/// Writes a catalog in the store's transaction: adds what is new, updates what is there, removes nothing, and leaves
/// what anyone holds as it is.
struct CatalogImport {
  let tables: PrizeTables
  private var db: Database { tables.db }

  init(tables: PrizeTables) {
    self.tables = tables
  }

  func run(_ catalog: Catalog) throws -> ImportCounts {
    let problems = try communityProblems(catalog) + itemTypeProblems(catalog) + accountProblems(catalog)
    guard problems.isEmpty else {
      throw CatalogError(file: catalog.file, problems: problems)
    }
    try write(catalog.communities)
    for character in catalog.characters {
      try db.run(
        "INSERT INTO characters (id, name) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        [character.id, character.name])
    }
    var leftStacks = 0
    for account in catalog.accounts {
      let event = AccountLinked(discordUserId: account.discordUserId, userId: account.userId)
      leftStacks += try tables.link(event, as: nil).leftStacks
    }
    return ImportCounts(
      communities: catalog.communities.count,
      itemTypes: catalog.communities.reduce(0) { $0 + $1.itemTypes.count },
      characters: catalog.characters.count,
      accounts: catalog.accounts.count,
      leftStacks: leftStacks)
  }

  private func write(_ communities: [Catalog.Community]) throws {
    // Two communities may swap their guilds, and each guild must be unique after every statement.
    for community in communities {
      try db.run("UPDATE communities SET discord_guild_id = 'moving:' || id WHERE id = ?", [community.id])
    }
    for community in communities {
      try db.run(
        """
        INSERT INTO communities (id, discord_guild_id, name) VALUES (?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET discord_guild_id = excluded.discord_guild_id, name = excluded.name
        """,
        [community.id, community.discordGuildId, community.name])
      for type in community.itemTypes {
        try db.run(
          """
          INSERT INTO item_types (id, community_id, name, stackable) VALUES (?, ?, ?, ?)
          ON CONFLICT (id) DO UPDATE SET name = excluded.name, stackable = excluded.stackable
          """,
          [type.id, community.id, type.name, type.stackable])
      }
    }
  }
}

// MARK: - What contradicts the store

extension CatalogImport {
  private func communityProblems(_ catalog: Catalog) throws -> [CatalogError.Problem] {
    let imported = Set(catalog.communities.map(\.id))
    return try catalog.communities.compactMap { community in
      let holder: Identifier? = try db.value(
        "SELECT id FROM communities WHERE discord_guild_id = ?", [community.discordGuildId])
      guard let holder, holder != community.id, !imported.contains(holder) else { return nil }
      return .guildBelongs(community, to: holder)
    }
  }

  private func itemTypeProblems(_ catalog: Catalog) throws -> [CatalogError.Problem] {
    try catalog.communities.flatMap { community in
      try community.itemTypes.compactMap { type in
        let holder: Identifier? = try db.value("SELECT community_id FROM item_types WHERE id = ?", [type.id])
        guard let holder, holder != community.id else { return nil }
        return .itemTypeBelongs(type, to: holder)
      }
    }
  }

  private func accountProblems(_ catalog: Catalog) throws -> [CatalogError.Problem] {
    try catalog.accounts.compactMap { account in
      guard let user = try tables.linkedUser(of: account.discordUserId), user != account.userId else { return nil }
      return .accountIsLinked(account, to: user)
    }
  }
}
