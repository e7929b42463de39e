/// The tables of a prize database on PostgreSQL, as steps from one version to the next. A step that was released never changes.
///
/// They are those of ``PrizeSchema``, but for `discord_accounts`: it has a row for each account that a prize was awarded to, linked or
/// not, because a row is what a grant and the link of its account can both lock.
enum PostgresSchema {
  static let migrations = [version1, version2, version3]
  static var version: Int { migrations.count }

  /// Violated where a stack would hold more than ``PrizeRules/largestStack``.
  static let quantityConstraint = "items_quantity_fits"

  /// For a table of a hundred million rows.
  private static let migrationLimit = Duration.seconds(3_600)

  /// The advisory lock under which one worker at a time brings the tables of a schema up to date; the first number is ours alone.
  private static let lock = "SELECT pg_advisory_xact_lock(1886546298, hashtext(current_schema()))"

  /// Brings the tables up to date. Ten workers may do so at once, and one that only grants needs no right to create anything where
  /// another has done so before.
  ///
  /// A step that makes an index takes as long as the database is large, so the steps have ``migrationLimit``, and so has the wait for
  /// another worker that takes them.
  ///
  /// - Throws: ``PostgresFailure``; ``NewerSchema``.
  static func migrate(_ connection: PostgresConnection, until deadline: ContinuousClock.Instant) throws {
    let found = try currentVersion(connection, until: deadline)
    guard found <= version else { throw NewerSchema() }
    guard found < version else { return }
    let deadline = ContinuousClock.now + migrationLimit
    // Read again under the lock: its previous holder has done the work.
    _ = try connection.run(
      [
        PostgresStatement("BEGIN"),
        PostgresStatement(
          """
          SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true),
            set_config('idle_in_transaction_session_timeout', '60s', true)
          """),
        PostgresStatement(lock),
      ], until: deadline)
    let before = try currentVersion(connection, until: deadline)
    guard before <= version else { throw NewerSchema() }
    let steps = migrations.enumerated().dropFirst(before).flatMap { index, step in
      step.map { PostgresStatement($0) }
        + [PostgresStatement("INSERT INTO prize_schema (version) VALUES ($1::int)", String(index + 1))]
    }
    _ = try connection.run(steps + [PostgresStatement("COMMIT")], until: deadline)
  }

  /// Of the tables that are there; 0 where there are none.
  static func currentVersion(_ connection: PostgresConnection, until deadline: ContinuousClock.Instant) throws -> Int {
    // Not `to_regclass`, which may still know of no such table when another worker has made it a moment ago.
    let table = try connection.run(
      [
        PostgresStatement(
          "SELECT oid FROM pg_catalog.pg_class WHERE relname = 'prize_schema' AND pg_catalog.pg_table_is_visible(oid)")
      ], until: deadline)
    guard !table[0].rows.isEmpty else { return 0 }
    let rows = try connection.run(
      [PostgresStatement("SELECT coalesce(max(version), 0) FROM prize_schema")], until: deadline)
    return rows[0].rows[0][0].flatMap { Int($0) } ?? 0
  }

  /// What a worker that grants needs, by table. One that imports writes to the first two and makes characters as well.
  static let rights = [
    ("communities", ["SELECT"]), ("item_types", ["SELECT"]), ("prize_schema", ["SELECT"]),
    ("linked_accounts", ["SELECT"]),
    ("discord_accounts", ["SELECT", "INSERT", "UPDATE"]), ("characters", ["SELECT", "UPDATE"]),
    ("items", ["SELECT", "INSERT", "UPDATE", "DELETE"]), ("handled_events", ["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("ledger", ["SELECT", "INSERT"]),
  ]

  static func grants(to role: String) -> [String] {
    rights.map { table, privileges in "GRANT \(privileges.joined(separator: ", ")) ON \(table) TO \(role)" }
  }

  struct NewerSchema: Error {}

  /// Keys are pruned from the oldest on. A report by day is summed up as the lines are read where the server knows that there are not
  /// as many days as lines; else it sorts all lines.
  private static let version3 = [
    "CREATE INDEX handled_events_by_time ON handled_events (handled_at)",
    "CREATE STATISTICS ledger_days ON ((at AT TIME ZONE 'UTC')::date) FROM ledger",
  ]

  private static let version2 = [
    """
    CREATE TABLE ledger (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      at timestamptz NOT NULL,
      change text NOT NULL CHECK (change IN ('granted', 'pending', 'claimed')),
      discord_user_id text COLLATE "C" NOT NULL,
      user_id text COLLATE "C",
      community_id text COLLATE "C",
      item_type_id text COLLATE "C",
      character_id text COLLATE "C",
      quantity bigint NOT NULL,
      event_type text COLLATE "C",
      key text COLLATE "C",
      CHECK ((item_type_id IS NULL) <> (character_id IS NULL))
    )
    """,
    "CREATE INDEX ledger_by_user ON ledger (user_id, id) WHERE user_id IS NOT NULL",
    "CREATE INDEX ledger_by_account ON ledger (discord_user_id, id)",
    "CREATE INDEX ledger_by_time ON ledger (at)",
    "CREATE INDEX ledger_by_community ON ledger (community_id, at) WHERE community_id IS NOT NULL",
    "CREATE INDEX ledger_by_item_type ON ledger (item_type_id, at) WHERE item_type_id IS NOT NULL",
  ]

  /// Ids compare by their bytes, as SQLite's do: `COLLATE "C"`.
  private static let version1 = [
    """
    CREATE TABLE prize_schema (
      version int PRIMARY KEY,
      applied_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE communities (
      id text COLLATE "C" PRIMARY KEY,
      discord_guild_id text COLLATE "C" NOT NULL UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
      name text NOT NULL
    )
    """,
    """
    CREATE TABLE item_types (
      id text COLLATE "C" PRIMARY KEY,
      community_id text COLLATE "C" NOT NULL REFERENCES communities (id),
      name text NOT NULL,
      stackable boolean NOT NULL
    )
    """,
    "CREATE INDEX item_types_by_community ON item_types (community_id)",
    """
    CREATE TABLE discord_accounts (
      discord_user_id text COLLATE "C" PRIMARY KEY,
      user_id text COLLATE "C"
    )
    """,
    "CREATE INDEX discord_accounts_by_user ON discord_accounts (user_id) WHERE user_id IS NOT NULL",
    """
    CREATE VIEW linked_accounts AS SELECT discord_user_id, user_id FROM discord_accounts WHERE user_id IS NOT NULL
    """,
    // Room on each page for another version of its rows: a stack that grows stays where it is, and no index is written.
    """
    CREATE TABLE items (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      item_type_id text COLLATE "C" NOT NULL REFERENCES item_types (id),
      owner_user_id text COLLATE "C",
      pending_discord_user_id text COLLATE "C",
      stacks boolean NOT NULL,
      quantity bigint NOT NULL,
      CONSTRAINT \(quantityConstraint) CHECK (quantity BETWEEN 1 AND 9007199254740991),
      CONSTRAINT items_have_one_holder CHECK ((owner_user_id IS NULL) <> (pending_discord_user_id IS NULL)),
      CONSTRAINT items_stack_or_are_single CHECK (stacks OR quantity = 1)
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX items_by_type ON items (item_type_id)",
    "CREATE INDEX items_by_owner ON items (owner_user_id) WHERE owner_user_id IS NOT NULL",
    "CREATE INDEX items_by_pending ON items (pending_discord_user_id) WHERE pending_discord_user_id IS NOT NULL",
    """
    CREATE UNIQUE INDEX one_stack_per_owner ON items (owner_user_id, item_type_id)
      WHERE stacks AND owner_user_id IS NOT NULL
    """,
    """
    CREATE UNIQUE INDEX one_stack_per_pending ON items (pending_discord_user_id, item_type_id)
      WHERE stacks AND pending_discord_user_id IS NOT NULL
    """,
    """
    CREATE TABLE characters (
      id text COLLATE "C" PRIMARY KEY,
      name text NOT NULL,
      owner_user_id text COLLATE "C",
      pending_discord_user_id text COLLATE "C",
      CONSTRAINT characters_have_one_holder CHECK (owner_user_id IS NULL OR pending_discord_user_id IS NULL)
    )
    """,
    "CREATE INDEX characters_by_owner ON characters (owner_user_id) WHERE owner_user_id IS NOT NULL",
    """
    CREATE INDEX characters_by_pending ON characters (pending_discord_user_id)
      WHERE pending_discord_user_id IS NOT NULL
    """,
    """
    CREATE TABLE handled_events (
      event_type text COLLATE "C" NOT NULL,
      key text COLLATE "C" NOT NULL,
      content text NOT NULL,
      handled_at timestamptz NOT NULL,
      PRIMARY KEY (event_type, key)
    )
    """,
  ]
}
