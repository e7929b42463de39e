import GRDB

extension Database {
  /// Runs one statement, compiled once per connection.
  func run(_ sql: String, _ arguments: StatementArguments = []) throws {
    try cachedStatement(sql: sql).execute(arguments: arguments)
  }

  func value<Value: DatabaseValueConvertible>(_ sql: String, _ arguments: StatementArguments) throws -> Value? {
    try Value.fetchOne(cachedStatement(sql: sql), arguments: arguments)
  }

  func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
    try Row.fetchOne(cachedStatement(sql: sql), arguments: arguments)
  }
}

/// A checked value as it is kept in a column: its raw value. Read with `fetchOne` or `decode`, which throw when
/// something beside the store wrote what is not valid; a row's subscript would end the process.
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
