import Foundation
import GRDB

/// Reads a prize database on SQLite in one transaction.
struct SQLiteCopySource: CopySource {
  let db: Database

  func rows(of table: CopyTable, after key: [String?]?, limit: Int) throws -> [[String?]] {
    let columns = table.columns.map { "CAST(\($0.name) AS TEXT)" }.joined(separator: ", ")
    let marks = table.key.map { $0.kind == .number ? "CAST(? AS INTEGER)" : "?" }.joined(separator: ", ")
    let condition = key == nil ? "" : "WHERE (\(table.keyNames)) > (\(marks))"
    return try db.all(
      "SELECT \(columns) FROM \(table.name) \(condition) ORDER BY \(table.keyNames) LIMIT \(limit)", key ?? []
    ) { row in try table.columns.indices.map { try row.value(CInt($0)) } }
  }

  func totals(of table: CopyTable) throws -> [String] {
    let totals = table.totals { "length(CAST(\($0) AS BLOB))" }.map { "CAST(coalesce(\($0.sql), 0) AS TEXT)" }
    return try db.first("SELECT \(totals.joined(separator: ", ")) FROM \(table.name)", []) { row in
      try totals.indices.map { try row.required(CInt($0)) }
    } ?? []
  }
}

/// Writes to a prize database on SQLite that has nothing else.
struct SQLiteCopyTarget: CopyTarget {
  let path: String
  let pool: DatabasePool

  /// Whether a copy to the database has begun and not finished.
  static func isUnfinished(_ db: Database) throws -> Bool {
    try db.value("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'prize_copy'", []) == 1
  }

  func begin(from source: String) throws -> [String: CopyProgress] {
    try write { db in
      guard try Self.isUnfinished(db) else {
        for table in CopyTable.all where try db.value("SELECT EXISTS (SELECT 1 FROM \(table.name))", []) == true {
          throw PrizeStoreError.otherData(in: "sqlite:\(path)", "its table \(table.name) has rows")
        }
        try db.execute(
          sql: """
            CREATE TABLE prize_copy (
              table_name TEXT NOT NULL PRIMARY KEY, source TEXT NOT NULL, rows INTEGER NOT NULL, digest TEXT NOT NULL) STRICT
            """)
        for table in CopyTable.all {
          try db.run(
            "INSERT INTO prize_copy VALUES (?, ?, 0, ?)", [table.name, source, "\(CopyProgress().digest)"])
        }
        return [:]
      }
      let rows = try db.all("SELECT table_name, source, rows, digest FROM prize_copy", []) { row in
        let digest: String = try row.required(3)
        let progress = CopyProgress(rows: try row.required(2), digest: UInt64(digest) ?? 0)
        return (table: try row.required(0) as String, source: try row.required(1) as String, progress: progress)
      }
      if let other = rows.first(where: { $0.source != source }) {
        throw PrizeStoreError.otherData(in: "sqlite:\(path)", "a copy from \(other.source) to it has begun")
      }
      return Dictionary(rows.map { ($0.table, $0.progress) }) { first, _ in first }
    }
  }

  func clear() throws {
    try write { db in
      for table in CopyTable.all.reversed() { try db.execute(sql: "DELETE FROM \(table.name)") }
      try db.execute(sql: "DROP TABLE prize_copy")
    }
  }

  func append(_ rows: [[String?]], to table: CopyTable, from old: CopyProgress, to new: CopyProgress) throws {
    let marks = table.columns.map { _ in "?" }.joined(separator: ", ")
    try write { db in
      try db.run(
        "UPDATE prize_copy SET rows = ?, digest = ? WHERE table_name = ? AND rows = ?",
        [new.rows, "\(new.digest)", table.name, old.rows])
      guard db.changesCount == 1 else { throw PrizeStoreError.anotherCopy(database: "sqlite:\(path)") }
      for row in rows { try db.run("INSERT INTO \(table.name) (\(table.names)) VALUES (\(marks))", row) }
    }
  }

  func totals(of table: CopyTable) throws -> [String] {
    try mapErrors { try pool.read { db in try SQLiteCopySource(db: db).totals(of: table) } }
  }

  func finish() throws {
    try write { db in try db.execute(sql: "DROP TABLE prize_copy") }
  }

  private func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try mapErrors {
      try pool.writeWithoutTransaction { db in
        var value: Value?
        try db.inTransaction(.immediate) {
          value = try body(db)
          return .commit
        }
        guard let value else { preconditionFailure("a transaction was committed without its work") }
        return value
      }
    }
  }

  private func mapErrors<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as DatabaseError { throw PrizeStoreError(error, path: path) }
  }
}
