import GRDB

/// The tables of `queues.sqlite`. A released version is never changed; changes are added as a later version.
enum Schema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("v1") { db in
      try db.execute(
        sql: """
          CREATE TABLE queues (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            region TEXT NOT NULL,
            name TEXT NOT NULL,
            attributes TEXT NOT NULL,
            tags TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            modified_at INTEGER NOT NULL,
            UNIQUE (region, name)
          );
          CREATE TABLE messages (
            id INTEGER PRIMARY KEY,
            queue INTEGER NOT NULL,
            message_id TEXT NOT NULL,
            body TEXT NOT NULL,
            attributes BLOB,
            trace_header TEXT,
            sender_id TEXT NOT NULL,
            group_id TEXT,
            deduplication_id TEXT,
            sent_at INTEGER NOT NULL,
            hidden_until INTEGER NOT NULL,
            received_at INTEGER NOT NULL,
            receive_count INTEGER NOT NULL,
            first_received_at INTEGER,
            source_arn TEXT
          );
          CREATE TABLE deduplications (
            queue INTEGER NOT NULL,
            key TEXT NOT NULL,
            message_id TEXT NOT NULL,
            message INTEGER NOT NULL,
            sent_at INTEGER NOT NULL,
            PRIMARY KEY (queue, key)
          ) WITHOUT ROWID;
          CREATE TABLE move_tasks (
            handle TEXT PRIMARY KEY,
            source_arn TEXT NOT NULL,
            destination_arn TEXT,
            messages_per_second INTEGER,
            status TEXT NOT NULL,
            moved INTEGER NOT NULL,
            total INTEGER NOT NULL,
            failure_reason TEXT,
            started_at INTEGER NOT NULL
          ) WITHOUT ROWID;
          -- The id of the last message there was: the row may be gone, and its id must not come again.
          CREATE TABLE counters (last_message INTEGER NOT NULL);
          INSERT INTO counters VALUES (0);
          """)
    }
    return migrator
  }
}
