import GRDB
import GRDBSQLite

/// Small statements, compiled once per connection and run through SQLite's own interface: a batch runs hundreds of them
/// while it holds the lock, and GRDB's way around one costs more than SQLite's work in it.
///
/// A transaction is begun and ended through GRDB, which must know of it. That is also where a cancelled task is noticed, if
/// it did not interrupt a statement.
extension Database {
  func run(_ sql: String, _ arguments: [(any DatabaseValueConvertible)?] = []) throws {
    _ = try first(sql, arguments) { _ in }
  }

  /// The first column of the first row; nil where there is no row, or NULL in it.
  func value<Value: DatabaseValueConvertible>(
    _ sql: String, _ arguments: [(any DatabaseValueConvertible)?]
  ) throws -> Value? {
    try first(sql, arguments) { row in try row.value(0) } ?? nil
  }

  /// What `read` makes of the first row; nil where there is none. What else the statement would find is not looked for.
  func first<Value>(
    _ sql: String, _ arguments: [(any DatabaseValueConvertible)?], read: (ResultRow) throws -> Value
  ) throws -> Value? {
    var value: Value?
    try step(sql, arguments) { row in
      value = try read(row)
      return false
    }
    return value
  }

  /// What `read` makes of each row.
  func all<Value>(
    _ sql: String, _ arguments: [(any DatabaseValueConvertible)?], read: (ResultRow) throws -> Value
  ) throws -> [Value] {
    var values: [Value] = []
    try step(sql, arguments) { row in
      values.append(try read(row))
      return true
    }
    return values
  }

  /// - Parameter visit: Returns whether to go on to the next row.
  private func step(
    _ sql: String, _ arguments: [(any DatabaseValueConvertible)?], visit: (ResultRow) throws -> Bool
  ) throws {
    let statement = try cachedStatement(sql: sql).sqliteStatement
    defer { sqlite3_reset(statement) }
    for (index, argument) in arguments.enumerated() {
      let code = (argument?.databaseValue ?? .null).bind(to: statement, at: CInt(index + 1))
      guard code == SQLITE_OK else { throw failure(code) }
    }
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW: guard try visit(ResultRow(statement: statement)) else { return }
      case SQLITE_DONE: return
      case let code: throw failure(code)
      }
    }
  }

  private func failure(_ code: CInt) -> DatabaseError {
    DatabaseError(resultCode: ResultCode(rawValue: code), message: lastErrorMessage)
  }
}

/// The row that a statement is at.
struct ResultRow {
  fileprivate let statement: SQLiteStatement

  /// The value of a column, counted from 0; nil for NULL.
  ///
  /// - Throws: `DatabaseError` where something beside the store wrote what is not valid.
  func value<Value: DatabaseValueConvertible>(_ column: CInt) throws -> Value? {
    isNull(column) ? nil : try required(column)
  }

  /// The value of a column that is never NULL.
  ///
  /// - Throws: `DatabaseError` where something beside the store wrote what is not valid.
  func required<Value: DatabaseValueConvertible>(_ column: CInt) throws -> Value {
    let stored = DatabaseValue(sqliteStatement: statement, index: column)
    guard let value = Value.fromDatabaseValue(stored) else {
      let name = String(cString: sqlite3_column_name(statement, column))
      throw DatabaseError(resultCode: .SQLITE_MISMATCH, message: "there is no valid \(Value.self) in column \(name)")
    }
    return value
  }

  func isNull(_ column: CInt) -> Bool {
    sqlite3_column_type(statement, column) == SQLITE_NULL
  }
}

/// A checked value as it is kept in a column: its raw value. Read with ``ResultRow/value(_:)``, which throws when something
/// beside the store wrote what is not valid; the subscript of GRDB's rows would end the process.
protocol CheckedColumn: CheckedValue, DatabaseValueConvertible where RawValue: DatabaseValueConvertible {}

extension CheckedColumn {
  var databaseValue: DatabaseValue { rawValue.databaseValue }

  static func fromDatabaseValue(_ value: DatabaseValue) -> Self? {
    RawValue.fromDatabaseValue(value).flatMap { Self(rawValue: $0) }
  }
}

extension Identifier: CheckedColumn {}
extension DiscordID: CheckedColumn {}
extension Quantity: CheckedColumn {}
