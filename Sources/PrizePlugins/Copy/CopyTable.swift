import WorkerKit

/// A table that is copied from one prize database to another, with its rows as texts that both databases read.
struct CopyTable: Sendable {
  enum Kind: Sendable {
    case text, number
    /// `1` or `0`.
    case flag
    /// In ISO 8601, to the second.
    case time
  }

  struct Column: Sendable {
    var name: String
    var kind = Kind.text
  }

  let name: String
  /// Those of the key come first.
  let columns: [Column]
  let keyCount: Int

  var key: ArraySlice<Column> { columns.prefix(keyCount) }
  var names: String { columns.map(\.name).joined(separator: ", ") }
  var keyNames: String { key.map(\.name).joined(separator: ", ") }

  /// In an order in which each refers to those before it alone.
  static let all = [
    CopyTable("communities", key: ["id"], ["discord_guild_id", "name"]),
    CopyTable("item_types", key: ["id"], ["community_id", "name"], flags: ["stackable"]),
    CopyTable("linked_accounts", key: ["discord_user_id"], ["user_id"]),
    CopyTable("characters", key: ["id"], ["name", "owner_user_id", "pending_discord_user_id"]),
    CopyTable(
      "items", numericKey: "id", ["item_type_id", "owner_user_id", "pending_discord_user_id"], flags: ["stacks"],
      numbers: ["quantity"]),
    CopyTable("handled_events", key: ["event_type", "key"], ["content"], times: ["handled_at"]),
    CopyTable(
      "ledger", numericKey: "id",
      ["change", "discord_user_id", "user_id", "community_id", "item_type_id", "character_id", "event_type", "key"],
      numbers: ["quantity"], times: ["at"]),
  ]

  private init(
    _ name: String, key: [String] = [], numericKey: String? = nil, _ texts: [String], flags: [String] = [],
    numbers: [String] = [], times: [String] = []
  ) {
    self.name = name
    let keys = key.map { Column(name: $0) } + [numericKey].compactMap { $0 }.map { Column(name: $0, kind: .number) }
    keyCount = keys.count
    columns =
      keys + texts.map { Column(name: $0) } + flags.map { Column(name: $0, kind: .flag) }
      + numbers.map { Column(name: $0, kind: .number) } + times.map { Column(name: $0, kind: .time) }
  }

  /// What is compared of two copies: how many rows there are, and for each column how many values, and the sum of numbers or of the
  /// texts' lengths in bytes.
  ///
  /// - Parameter length: The function of SQL for a text's length in bytes.
  func totals(length: (String) -> String) -> [(label: String, sql: String)] {
    [(label: "rows", sql: "count(*)")]
      + columns.flatMap { column -> [(label: String, sql: String)] in
        let values = (label: "values of \(column.name)", sql: "count(\(column.name))")
        switch column.kind {
        case .text: return [values, (label: "bytes of \(column.name)", sql: "sum(\(length(column.name)))")]
        case .number:
          // In two halves, whose sums fit 64 bits.
          return [
            values, (label: "sum of \(column.name)", sql: "sum(\(column.name) / 1000000000)"),
            (label: "sum of \(column.name)", sql: "sum(\(column.name) % 1000000000)"),
          ]
        case .flag: return [values, (label: "sum of \(column.name)", sql: "sum(CAST(\(column.name) AS int))")]
        case .time: return [values]
        }
      }
  }
}

/// A database that is read, in one state of it however long that takes.
protocol CopySource {
  /// The next rows in the order of the key, as texts.
  func rows(of table: CopyTable, after key: [String?]?, limit: Int) throws -> [[String?]]
  func totals(of table: CopyTable) throws -> [String]
}

/// A database that is written, a batch of rows in a transaction.
protocol CopyTarget {
  /// Begins a copy, or goes on with one.
  ///
  /// - Returns: How much of each table there is, by name.
  /// - Throws: ``PrizeStoreError`` where there is anything else.
  func begin(from source: String) throws -> [String: CopyProgress]

  /// Removes all that was copied.
  func clear() throws

  func append(_ rows: [[String?]], to table: CopyTable, from old: CopyProgress, to new: CopyProgress) throws

  func totals(of table: CopyTable) throws -> [String]

  /// Makes it a database that workers use.
  func finish() throws
}

/// How much of a table was copied.
struct CopyProgress: Equatable, Sendable {
  var rows = 0
  /// Of those rows, by which a copy that goes on knows that the source still has them: FNV-1a.
  var digest: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ row: [String?]) {
    rows += 1
    for value in row {
      mix(value == nil ? 1 : 2)
      for byte in value?.utf8 ?? "".utf8 { mix(byte) }
    }
  }

  private mutating func mix(_ byte: UInt8) {
    digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3
  }
}

extension PrizeStoreError {
  static func unfinishedCopy(database: String) -> PrizeStoreError {
    PrizeStoreError(
      kind: .unavailable,
      message:
        "cannot use the prize database: a copy to \(database) has not finished; run `worker prizes copy` again, with the same "
        + "--from and --to",
      database: database)
  }

  static func otherData(in database: String, _ what: String) -> PrizeStoreError {
    PrizeStoreError(
      kind: .conflict,
      message: "cannot copy to \(database): \(what); name a database that has no prizes and no catalog",
      database: database)
  }

  /// Another copy writes there as well.
  static func anotherCopy(database: String) -> PrizeStoreError {
    PrizeStoreError(
      kind: .conflict, message: "cannot copy to \(database): another copy to it is running; wait for it",
      database: database)
  }
}
