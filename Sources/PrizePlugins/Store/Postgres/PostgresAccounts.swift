/// The Discord accounts of a batch, linked or not.
///
/// An account that is linked stays so, and needs no lock. One that is not is locked until the transaction ends, so that no link of it
/// comes between the look and the prize that is left pending for it.
struct PostgresAccounts {
  private let ids: [DiscordUserID]
  private(set) var users: [DiscordUserID: Identifier] = [:]

  init(_ ids: some Sequence<DiscordUserID>) {
    self.ids = Set(ids).sorted { $0.rawValue < $1.rawValue }
  }

  /// Three statements, of which the last one sees what was committed while the others waited.
  ///
  /// - Parameter locksLinked: Whether those are locked, too, that are linked.
  func lock(locksLinked: Bool = false) -> [PostgresStatement] {
    let array = PostgresStatement.array(ids.map(\.rawValue))
    return [
      PostgresStatement(
        """
        INSERT INTO discord_accounts (discord_user_id)
        SELECT id FROM unnest($1::text[]) WITH ORDINALITY AS a (id, n) ORDER BY n ON CONFLICT (discord_user_id) DO NOTHING
        """, array),
      PostgresStatement(
        """
        SELECT 1 FROM discord_accounts WHERE discord_user_id = ANY ($1::text[]) \(locksLinked ? "" : "AND user_id IS NULL")
        ORDER BY discord_user_id FOR NO KEY UPDATE
        """, array),
      PostgresStatement(
        "SELECT discord_user_id, user_id FROM linked_accounts WHERE discord_user_id = ANY ($1::text[])", array),
    ]
  }

  /// - Parameter rows: What the last statement of ``lock(locksLinked:)`` brought.
  mutating func read(_ rows: PostgresRows) throws {
    for row in rows.rows { users[try DiscordUserID(stored: row[0])] = try Identifier(stored: row[1]) }
  }

  func holder(for id: DiscordUserID) -> Holder {
    users[id].map { .owned(by: $0) } ?? .pending(for: id)
  }

  mutating func link(_ id: DiscordUserID, to user: Identifier) {
    users[id] = user
  }
}
