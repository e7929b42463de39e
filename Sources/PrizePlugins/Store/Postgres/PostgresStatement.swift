/// A statement of SQL with its parameters, which the server never reads as SQL.
struct PostgresStatement: Sendable {
  var sql: String
  /// As PostgreSQL writes values; nil is NULL.
  var parameters: [String?]

  init(_ sql: String, _ parameters: String?...) {
    self.sql = sql
    self.parameters = parameters
  }

  /// An array as PostgreSQL writes it.
  static func array(_ texts: some Sequence<String?>) -> String {
    var array = "{"
    for text in texts {
      if array.utf8.count > 1 { array += "," }
      guard let text else {
        array += "NULL"
        continue
      }
      array += "\""
      if text.utf8.contains(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
        for scalar in text.unicodeScalars {
          if scalar == "\"" || scalar == "\\" { array += "\\" }
          array.unicodeScalars.append(scalar)
        }
      } else {
        array += text
      }
      array += "\""
    }
    return array + "}"
  }

  static func array(_ numbers: some Sequence<Int>) -> String {
    "{" + numbers.map(String.init).joined(separator: ",") + "}"
  }
}

/// What a statement brought.
struct PostgresRows: Sendable {
  var rows: [[String?]] = []
  /// How many rows it wrote or found.
  var count = 0
  /// What it was: `COMMIT`, or `ROLLBACK` where a commit was asked for and could not be.
  var command = ""

  /// The rows, whose columns are never NULL.
  func required() throws -> [[String]] {
    try rows.map { row in
      try row.map { column in
        guard let column else { throw PostgresFailure(state: "22000", message: "a column is NULL that never is") }
        return column
      }
    }
  }
}

extension CheckedValue {
  /// A value that the database holds.
  ///
  /// - Throws: ``PostgresFailure`` where something beside the store wrote what is not valid.
  init(stored text: String?) throws {
    guard let text, let rawValue = RawValue(text), let value = Self(rawValue: rawValue) else {
      throw PostgresFailure(state: "22000", message: "there is no valid \(Self.self) in a column")
    }
    self = value
  }
}
