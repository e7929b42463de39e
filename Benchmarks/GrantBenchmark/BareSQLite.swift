import Foundation
import GRDBSQLite

/// SQLite through its own C interface: a row for each grant, with what the worker records of it, and nothing else. No
/// program that syncs its commits does more of them on this disk.
struct BareSQLite: Contender {
  let name = "bare sqlite3"

  private let connection: Connection
  private let begin: Statement
  private let insert: Statement
  private let commit: Statement

  init(file: URL) throws {
    connection = try Connection(file)
    for sql in [
      "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
      "CREATE TABLE rows (key TEXT NOT NULL PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID",
    ] {
      try connection.prepare(sql).run()
    }
    begin = try connection.prepare("BEGIN IMMEDIATE")
    insert = try connection.prepare("INSERT INTO rows VALUES (hex(randomblob(16)), ?)")
    commit = try connection.prepare("COMMIT")
  }

  func grant(number: Int) -> String {
    #"{"discordGuildId":"123456789012345678","discordUserId":"\#(1_000 + number % 1_000)","itemTypeId":"cluid123abc","#
      + #""quantity":1}"#
  }

  func commit(_ grants: [String]) throws {
    try begin.run()
    for content in grants { try insert.run([content]) }
    try commit.run()
  }

  func check(count: Int) throws {
    let rows = try connection.number("SELECT count(*) FROM rows")
    guard rows == count else { throw BenchmarkError("\(count) rows were inserted, but \(rows) are there") }
  }

  final class Connection {
    fileprivate let handle: OpaquePointer

    init(_ file: URL) throws {
      var handle: OpaquePointer?
      guard sqlite3_open(file.path, &handle) == SQLITE_OK, let handle else {
        throw BenchmarkError("SQLite cannot open \(file.path)")
      }
      self.handle = handle
    }

    deinit {
      sqlite3_close_v2(handle)
    }

    func prepare(_ sql: String) throws -> Statement { try Statement(sql, on: self) }

    func number(_ sql: String) throws -> Int { try prepare(sql).number() }
  }

  final class Statement {
    private let connection: Connection
    private let handle: OpaquePointer

    init(_ sql: String, on connection: Connection) throws {
      var handle: OpaquePointer?
      guard sqlite3_prepare_v2(connection.handle, sql, -1, &handle, nil) == SQLITE_OK, let handle else {
        throw BenchmarkError(String(cString: sqlite3_errmsg(connection.handle)))
      }
      self.connection = connection
      self.handle = handle
    }

    deinit {
      sqlite3_finalize(handle)
    }

    func run(_ texts: [String] = []) throws {
      defer { sqlite3_reset(handle) }
      for (index, text) in texts.enumerated() {
        // SQLite makes a copy of its own: SQLITE_TRANSIENT, which Swift does not import.
        sqlite3_bind_text(handle, CInt(index + 1), text, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
      }
      guard [SQLITE_DONE, SQLITE_ROW].contains(sqlite3_step(handle)) else {
        throw BenchmarkError(String(cString: sqlite3_errmsg(connection.handle)))
      }
    }

    func number() throws -> Int {
      defer { sqlite3_reset(handle) }
      guard sqlite3_step(handle) == SQLITE_ROW else {
        throw BenchmarkError(String(cString: sqlite3_errmsg(connection.handle)))
      }
      return Int(sqlite3_column_int64(handle, 0))
    }
  }
}
