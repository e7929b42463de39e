/// What is pending for accounts that are being linked, and becomes their users'.
///
/// The accounts are locked, so that nothing else becomes pending for them meanwhile.
struct PostgresClaims {
  private struct Stack {
    var id: String
    var type: Identifier
    var community: Identifier
    var quantity: Int
  }

  private struct Singles {
    var type: Identifier
    var community: Identifier
    var count: Int
  }

  private var stacks: [DiscordUserID: [Stack]] = [:]
  private var singles: [DiscordUserID: [Singles]] = [:]
  private var characters: [DiscordUserID: [Identifier]] = [:]
  /// What the users own of the types that are pending.
  private var owned: [Identifier: [Identifier: Int]] = [:]

  private var links: [DiscordUserID: Identifier] = [:]
  private var claimed = PostgresItems()
  private var ledger = PostgresLedger()
  /// What is left of stacks, by their ids: nothing of most.
  private var left: [String: Int] = [:]

  /// Reads what is pending for accounts, and locks the stacks of users who may get it.
  init(
    _ accounts: Set<DiscordUserID>, candidates: Set<Identifier>, in transaction: PostgresTransaction
  ) throws {
    let ids = PostgresStatement.array(accounts.map(\.rawValue))
    let read = try transaction.run([
      PostgresStatement(
        """
        SELECT items.id, pending_discord_user_id, item_type_id, quantity, community_id
        FROM items JOIN item_types ON item_types.id = item_type_id
        WHERE pending_discord_user_id = ANY ($1::text[]) AND stacks ORDER BY items.id
        """, ids),
      PostgresStatement(
        """
        SELECT pending_discord_user_id, item_type_id, count(*), community_id
        FROM items JOIN item_types ON item_types.id = item_type_id
        WHERE pending_discord_user_id = ANY ($1::text[]) AND NOT stacks GROUP BY 1, 2, 4 ORDER BY 1, 2
        """, ids),
      PostgresStatement(
        """
        SELECT owner_user_id, item_type_id, quantity FROM items
        WHERE owner_user_id = ANY ($2::text[]) AND stacks AND item_type_id IN (
          SELECT item_type_id FROM items WHERE pending_discord_user_id = ANY ($1::text[]) AND stacks)
        ORDER BY owner_user_id, item_type_id FOR NO KEY UPDATE
        """, ids, PostgresStatement.array(candidates.map(\.rawValue))),
      PostgresStatement(
        """
        SELECT pending_discord_user_id, id FROM characters WHERE pending_discord_user_id = ANY ($1::text[])
        ORDER BY id FOR NO KEY UPDATE
        """, ids),
    ])
    for row in try read[0].required() {
      let stack = Stack(
        id: row[0], type: try Identifier(stored: row[2]), community: try Identifier(stored: row[4]),
        quantity: Int(row[3]) ?? 0)
      stacks[try DiscordUserID(stored: row[1]), default: []].append(stack)
    }
    for row in try read[1].required() {
      singles[try DiscordUserID(stored: row[0]), default: []].append(
        Singles(
          type: try Identifier(stored: row[1]), community: try Identifier(stored: row[3]), count: Int(row[2]) ?? 0))
    }
    for row in try read[3].required() {
      characters[try DiscordUserID(stored: row[0]), default: []].append(try Identifier(stored: row[1]))
    }
    for row in try read[2].required() {
      owned[try Identifier(stored: row[0]), default: [:]][try Identifier(stored: row[1])] = Int(row[2])
    }
  }

  /// - Parameter event: What linked them; nil for an import.
  mutating func claim(pendingFor account: DiscordUserID, for user: Identifier, by event: EventKey?) -> Claim {
    links[account] = user
    func entry(_ type: Identifier?, in community: Identifier?, _ quantity: Int) -> LedgerEntry {
      var entry = LedgerEntry(change: .claimed, discordUserId: account, userId: user, event: event)
      (entry.communityId, entry.itemTypeId, entry.quantity) = (community, type, quantity)
      return entry
    }
    var claim = Claim()
    for single in singles.removeValue(forKey: account) ?? [] {
      claim.items += single.count
      ledger.add(entry(single.type, in: single.community, single.count))
    }
    for character in characters.removeValue(forKey: account) ?? [] {
      claim.characters += 1
      var entry = entry(nil, in: nil, 1)
      entry.characterId = character
      ledger.add(entry)
    }
    let pending = stacks.removeValue(forKey: account) ?? []
    for var stack in pending {
      let room = PrizeRules.largestStack - owned[user, default: [:]][stack.type, default: 0]
      let quantity = min(stack.quantity, room)
      if quantity > 0 {
        owned[user, default: [:]][stack.type, default: 0] += quantity
        claimed.add(quantity, of: stack.type, to: .owned(by: user), stacks: true)
        claim.items += 1
        ledger.add(entry(stack.type, in: stack.community, quantity))
        stack.quantity -= quantity
        left[stack.id] = stack.quantity
      }
      if stack.quantity > 0 {
        claim.leftStacks += 1
        stacks[account, default: []].append(stack)
      }
    }
    return claim
  }

  /// Writes the claims and `others`, and commits.
  ///
  /// - Throws: What makes the transaction begin again, where a stack was made meanwhile, of which there was nothing to lock.
  func finish(_ transaction: PostgresTransaction, at time: String?, with others: [PostgresStatement]) throws {
    do {
      try transaction.finish(writes + ledger.writes(at: time) + others)
    } catch let failure as PostgresFailure where failure.constraint == PostgresSchema.quantityConstraint {
      throw PostgresFailure(state: "40001", message: "another transaction filled a stack")
    }
  }

  private var writes: [PostgresStatement] {
    guard !links.isEmpty else { return [] }
    let links = links.sorted { $0.key.rawValue < $1.key.rawValue }
    let accounts = PostgresStatement.array(links.map(\.key.rawValue))
    let users = PostgresStatement.array(links.map(\.value.rawValue))
    let gone = left.filter { $0.value == 0 }.keys
    let rest = left.filter { $0.value > 0 }
    return [
      PostgresStatement(
        """
        UPDATE discord_accounts SET user_id = l.user_id
        FROM unnest($1::text[], $2::text[]) AS l (discord_user_id, user_id)
        WHERE discord_accounts.discord_user_id = l.discord_user_id AND discord_accounts.user_id IS NULL
        """, accounts, users)
    ] + claimed.writes + [
      PostgresStatement("DELETE FROM items WHERE id = ANY ($1::bigint[])", PostgresStatement.array(gone.map { $0 })),
      PostgresStatement(
        "UPDATE items SET quantity = r.quantity FROM unnest($1::bigint[], $2::bigint[]) AS r (id, quantity) WHERE items.id = r.id",
        PostgresStatement.array(rest.map(\.key)), PostgresStatement.array(rest.map(\.value))),
      PostgresStatement(
        """
        UPDATE items SET owner_user_id = l.user_id, pending_discord_user_id = NULL
        FROM unnest($1::text[], $2::text[]) AS l (discord_user_id, user_id)
        WHERE pending_discord_user_id = l.discord_user_id AND NOT stacks
        """, accounts, users),
      PostgresStatement(
        """
        UPDATE characters SET owner_user_id = l.user_id, pending_discord_user_id = NULL
        FROM unnest($1::text[], $2::text[]) AS l (discord_user_id, user_id)
        WHERE pending_discord_user_id = l.discord_user_id
        """, accounts, users),
    ]
  }
}
