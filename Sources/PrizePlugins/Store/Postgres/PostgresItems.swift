/// Items to be written: the sum for each stack, and those that do not stack, which have a row each.
struct PostgresItems {
  /// Whose stack of what, by the bytes of both.
  private struct Stack: Hashable {
    var holder: Holder
    var type: Identifier
  }

  private var stacks: [Stack: Int] = [:]
  private var singles: [Stack: Int] = [:]

  mutating func add(_ quantity: Int, of type: Identifier, to holder: Holder, stacks: Bool) {
    let stack = Stack(holder: holder, type: type)
    if stacks { self.stacks[stack, default: 0] += quantity } else { singles[stack, default: 0] += quantity }
  }

  /// Makes the stacks or adds to them, in one order, so that two transactions that write the same ones take turns.
  var writes: [PostgresStatement] {
    var statements: [PostgresStatement] = []
    for column in ["owner_user_id", "pending_discord_user_id"] {
      let isOwned = column == "owner_user_id"
      let rows = Self.sorted(stacks.filter { ($0.key.holder.owner != nil) == isOwned })
      guard !rows.isEmpty else { continue }
      statements.append(
        PostgresStatement(
          """
          INSERT INTO items (\(column), item_type_id, stacks, quantity)
          SELECT holder, type, true, quantity
          FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS s (holder, type, quantity, n) ORDER BY n
          ON CONFLICT (\(column), item_type_id) WHERE stacks AND \(column) IS NOT NULL
          DO UPDATE SET quantity = items.quantity + excluded.quantity
          """,
          PostgresStatement.array(rows.map { $0.stack.holder.id }),
          PostgresStatement.array(rows.map(\.stack.type.rawValue)), PostgresStatement.array(rows.map(\.quantity))))
    }
    if !singles.isEmpty {
      let rows = Self.sorted(singles)
      statements.append(
        PostgresStatement(
          """
          INSERT INTO items (owner_user_id, pending_discord_user_id, item_type_id, stacks, quantity)
          SELECT owner, pending, type, false, 1
          FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS s (owner, pending, type, quantity),
            generate_series(1, s.quantity)
          """,
          PostgresStatement.array(rows.map { $0.stack.holder.owner?.rawValue }),
          PostgresStatement.array(rows.map { $0.stack.holder.pending?.rawValue }),
          PostgresStatement.array(rows.map(\.stack.type.rawValue)), PostgresStatement.array(rows.map(\.quantity))))
    }
    return statements
  }

  private static func sorted(_ rows: [Stack: Int]) -> [(stack: Stack, quantity: Int)] {
    rows.map { (stack: $0.key, quantity: $0.value) }.sorted { left, right in
      let (leftID, rightID) = (left.stack.holder.id, right.stack.holder.id)
      return leftID.utf8.elementsEqual(rightID.utf8)
        ? left.stack.type.rawValue.utf8.lexicographicallyPrecedes(right.stack.type.rawValue.utf8)
        : leftID.utf8.lexicographicallyPrecedes(rightID.utf8)
    }
  }
}

extension Holder {
  /// The user's or the account's.
  var id: String {
    switch self {
    case .owned(let userId): userId.rawValue
    case .pending(let discordUserId): discordUserId.rawValue
    }
  }
}
