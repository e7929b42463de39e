/// Reads a prize database on PostgreSQL, in a transaction that has begun.
struct PostgresCopySource: CopySource {
  let address: PostgresAddress
  let connection: PostgresConnection

  func rows(of table: CopyTable, after key: [String?]?, limit: Int) throws -> [[String?]] {
    let columns = table.columns.map { column in
      switch column.kind {
      case .text, .number: column.name
      case .flag: "\(column.name)::int"
      case .time: "to_char(\(column.name) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
      }
    }.joined(separator: ", ")
    let marks = table.key.enumerated().map { "$\($0 + 1)::\($1.kind == .number ? "bigint" : "text")" }
    let condition = key == nil ? "" : "WHERE (\(table.keyNames)) > (\(marks.joined(separator: ", ")))"
    var statement = PostgresStatement(
      "SELECT \(columns) FROM \(table.name) \(condition) ORDER BY \(table.keyNames) LIMIT \(limit)")
    statement.parameters = key ?? []
    return try run([statement])[0].rows
  }

  func totals(of table: CopyTable) throws -> [String] {
    let totals = table.totals { "octet_length(\($0))" }.map { "coalesce(\($0.sql), 0)" }.joined(separator: ", ")
    return try run([PostgresStatement("SELECT \(totals) FROM \(table.name)")])[0].required()[0]
  }

  func begin() throws {
    _ = try run([
      PostgresStatement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
      PostgresStatement(
        """
        SELECT set_config('idle_in_transaction_session_timeout', '0', true), set_config('statement_timeout', '0', true)
        """),
    ])
  }

  private func run(_ statements: [PostgresStatement]) throws -> [PostgresRows] {
    do {
      return try connection.run(statements, until: .now + .seconds(600))
    } catch {
      throw address.printable(error)
    }
  }
}

/// Writes to a prize database on PostgreSQL that has nothing else.
struct PostgresCopyTarget: CopyTarget {
  let address: PostgresAddress
  let connection: PostgresConnection

  /// Whether a copy to the database has begun and not finished.
  static let isUnfinished = PostgresStatement(
    "SELECT oid FROM pg_catalog.pg_class WHERE relname = 'prize_copy' AND pg_catalog.pg_table_is_visible(oid)")

  /// Accounts have a row here as soon as a prize waits for them.
  private func table(_ table: CopyTable) -> String {
    table.name == "linked_accounts" ? "discord_accounts" : table.name
  }

  func begin(from source: String) throws -> [String: CopyProgress] {
    try write { transaction in
      // Of two copies that begin at once, one waits, and sees what the other has made.
      let isBegun = try transaction.run([
        PostgresStatement("SELECT pg_advisory_xact_lock(1886546300, hashtext(current_schema()))"), Self.isUnfinished,
      ])[1]
      guard !isBegun.rows.isEmpty else {
        for each in CopyTable.all {
          let found = try transaction.run([PostgresStatement("SELECT 1 FROM \(table(each)) LIMIT 1")])
          guard found[0].rows.isEmpty else {
            throw PrizeStoreError.otherData(in: "\(address)", "its table \(table(each)) has rows")
          }
        }
        try transaction.finish(
          [
            PostgresStatement(
              """
              CREATE TABLE prize_copy (
                table_name text PRIMARY KEY, source text NOT NULL, rows bigint NOT NULL, digest text NOT NULL)
              """)
          ]
            + CopyTable.all.map {
              PostgresStatement(
                "INSERT INTO prize_copy VALUES ($1, $2, 0, $3)", $0.name, source, "\(CopyProgress().digest)")
            })
        return [:]
      }
      let rows = try transaction.finish([
        PostgresStatement("SELECT table_name, source, rows, digest FROM prize_copy")
      ])[0].required()
      if let other = rows.first(where: { $0[1] != source }) {
        throw PrizeStoreError.otherData(in: "\(address)", "a copy from \(other[1]) to it has begun")
      }
      return Dictionary(
        rows.map { ($0[0], CopyProgress(rows: Int($0[2]) ?? 0, digest: UInt64($0[3]) ?? 0)) }
      ) { first, _ in first }
    }
  }

  func clear() throws {
    try write { transaction in
      try transaction.finish(
        [PostgresStatement("TRUNCATE \(CopyTable.all.map { table($0) }.joined(separator: ", "))")]
          + [PostgresStatement("DROP TABLE prize_copy")])
    }
  }

  func append(_ rows: [[String?]], to table: CopyTable, from old: CopyProgress, to new: CopyProgress) throws {
    let values = table.columns.map { $0.kind == .flag ? "\($0.name) = 1" : $0.name }.joined(separator: ", ")
    let arrays = table.columns.enumerated().map { index, column in
      let type =
        switch column.kind {
        case .text: "text"
        case .number: "bigint"
        case .flag: "int"
        case .time: "timestamptz"
        }
      return "$\(index + 1)::\(type)[]"
    }
    var insert = PostgresStatement(
      """
      INSERT INTO \(self.table(table)) (\(table.names)) OVERRIDING SYSTEM VALUE
      SELECT \(values) FROM unnest(\(arrays.joined(separator: ", "))) AS r (\(table.names))
      """)
    insert.parameters = table.columns.indices.map { column in PostgresStatement.array(rows.map { $0[column] }) }
    let update = PostgresStatement(
      "UPDATE prize_copy SET rows = $1::bigint, digest = $2 WHERE table_name = $3 AND rows = $4::bigint",
      "\(new.rows)", "\(new.digest)", table.name, "\(old.rows)")
    try write { [insert] transaction in
      guard try transaction.run([update])[0].count == 1 else {
        throw PrizeStoreError.anotherCopy(database: "\(address)")
      }
      try transaction.finish([insert])
    }
  }

  func totals(of table: CopyTable) throws -> [String] {
    let source = PostgresCopySource(address: address, connection: connection)
    try source.begin()
    defer { _ = try? connection.run([PostgresStatement("ROLLBACK")], until: .now + .seconds(5)) }
    return try source.totals(of: table)
  }

  func finish() throws {
    try write { transaction in
      try transaction.finish(
        ["items", "ledger"].map { table in
          PostgresStatement(
            """
            SELECT setval(pg_get_serial_sequence('\(table)', 'id'), coalesce(max(id), 1), max(id) IS NOT NULL) FROM \(table)
            """)
        } + [PostgresStatement("DROP TABLE prize_copy")])
    }
  }

  @discardableResult
  private func write<Value>(_ body: (PostgresTransaction) throws -> Value) throws -> Value {
    do {
      return try body(.long(connection))
    } catch {
      if connection.isInTransaction {
        _ = try? connection.run([PostgresStatement("ROLLBACK")], until: .now + .seconds(5))
      }
      throw address.printable(error)
    }
  }
}
