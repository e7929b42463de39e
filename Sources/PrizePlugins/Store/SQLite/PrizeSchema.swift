import GRDB

/// The tables of a prize database, as steps from one version to the next. A step that was released never changes.
enum PrizeSchema {
  static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("v1") { db in
      try db.execute(sql: version1)
    }
    migrator.registerMigration("v2") { db in
      try db.execute(sql: version2)
    }
    migrator.registerMigration("v3") { db in
      try db.execute(sql: version3)
    }
    return migrator
  }()

  /// An item that stacks has one row per holder and type; one that does not has a row of its own, of quantity 1.
  /// `items.stacks` remembers which it was when granted, so that changing `stackable` in the catalog touches no
  /// prize, and so that an index can promise the one row.
  private static let version1 = """
    CREATE TABLE communities (
      id TEXT NOT NULL PRIMARY KEY,
      discord_guild_id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE item_types (
      id TEXT NOT NULL PRIMARY KEY,
      community_id TEXT NOT NULL REFERENCES communities (id),
      name TEXT NOT NULL,
      stackable INTEGER NOT NULL CHECK (stackable IN (0, 1))
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX item_types_by_community ON item_types (community_id);

    CREATE TABLE linked_accounts (
      discord_user_id TEXT NOT NULL PRIMARY KEY,
      user_id TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX linked_accounts_by_user ON linked_accounts (user_id);

    CREATE TABLE items (
      id INTEGER PRIMARY KEY,
      item_type_id TEXT NOT NULL REFERENCES item_types (id),
      owner_user_id TEXT,
      pending_discord_user_id TEXT,
      stacks INTEGER NOT NULL CHECK (stacks IN (0, 1)),
      quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 9007199254740991),
      CHECK ((owner_user_id IS NULL) <> (pending_discord_user_id IS NULL)),
      CHECK (stacks = 1 OR quantity = 1)
    ) STRICT;
    CREATE INDEX items_by_type ON items (item_type_id);
    CREATE INDEX items_by_owner ON items (owner_user_id) WHERE owner_user_id IS NOT NULL;
    CREATE INDEX items_by_pending ON items (pending_discord_user_id) WHERE pending_discord_user_id IS NOT NULL;
    CREATE UNIQUE INDEX one_stack_per_owner ON items (owner_user_id, item_type_id)
      WHERE stacks = 1 AND owner_user_id IS NOT NULL;
    CREATE UNIQUE INDEX one_stack_per_pending ON items (pending_discord_user_id, item_type_id)
      WHERE stacks = 1 AND pending_discord_user_id IS NOT NULL;

    CREATE TABLE characters (
      id TEXT NOT NULL PRIMARY KEY,
      name TEXT NOT NULL,
      owner_user_id TEXT,
      pending_discord_user_id TEXT,
      CHECK (owner_user_id IS NULL OR pending_discord_user_id IS NULL)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX characters_by_owner ON characters (owner_user_id) WHERE owner_user_id IS NOT NULL;
    CREATE INDEX characters_by_pending ON characters (pending_discord_user_id)
      WHERE pending_discord_user_id IS NOT NULL;

    CREATE TABLE handled_events (
      event_type TEXT NOT NULL,
      key TEXT NOT NULL,
      content TEXT NOT NULL,
      handled_at TEXT NOT NULL,
      PRIMARY KEY (event_type, key)
    ) STRICT, WITHOUT ROWID;
    """

  /// The ledger is only ever added to. Nothing refers to it, and it refers to nothing.
  private static let version2 = """
    CREATE TABLE ledger (
      id INTEGER PRIMARY KEY,
      at TEXT NOT NULL,
      change TEXT NOT NULL CHECK (change IN ('granted', 'pending', 'claimed')),
      discord_user_id TEXT NOT NULL,
      user_id TEXT,
      community_id TEXT,
      item_type_id TEXT,
      character_id TEXT,
      quantity INTEGER NOT NULL,
      event_type TEXT,
      key TEXT,
      CHECK ((item_type_id IS NULL) <> (character_id IS NULL))
    ) STRICT;
    CREATE INDEX ledger_by_user ON ledger (user_id) WHERE user_id IS NOT NULL;
    CREATE INDEX ledger_by_account ON ledger (discord_user_id);
    CREATE INDEX ledger_by_time ON ledger (at);
    CREATE INDEX ledger_by_community ON ledger (community_id, at) WHERE community_id IS NOT NULL;
    CREATE INDEX ledger_by_item_type ON ledger (item_type_id, at) WHERE item_type_id IS NOT NULL;
    """

  /// Reports are read from an index alone, in its order. Keys are pruned from the oldest on.
  private static let version3 = """
    DROP INDEX ledger_by_time;
    DROP INDEX ledger_by_community;
    DROP INDEX ledger_by_item_type;
    CREATE INDEX ledger_by_day ON ledger (substr(at, 1, 10), change, quantity);
    CREATE INDEX ledger_by_community ON ledger (community_id, change, at, quantity);
    CREATE INDEX ledger_by_item_type ON ledger (item_type_id, change, at, quantity);
    CREATE INDEX handled_events_by_time ON handled_events (handled_at);
    """
}
