import Foundation
import GRDB
import GRDBSQLite

/// Reserves disk space in advance, so that messages can be received and deleted on a full disk.
///
/// Both operations need space in the write-ahead log, and the log is reused only after all of it was written to the
/// database. Therefore the log has its maximum size from the start, and a transaction is committed only if the database
/// file has space for it.
enum DiskSpace {
  /// The number of log pages after which the log is written to the database. The largest receive, ten messages of 1 MiB
  /// with all overflow pages, needs fewer.
  static let logPages = 4_000
  /// The reserve for the next send, at most 1 MiB, and for the data that receives add to messages.
  private static let spare = 3 * 1_048_576
  /// The increment by which the file grows.
  private static let step: Int32 = 4 * 1_048_576
  private static let pageSize = 4_096

  /// Prepares a connection to the database file.
  static func prepare(_ db: Database) throws {
    var step = step
    sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_CHUNK_SIZE, &step)
    // Closing the database keeps the log file and its space.
    var isKept: Int32 = 1
    sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_PERSIST_WAL, &isKept)
  }

  /// Reserves space for a transaction before its commit.
  ///
  /// - Returns: Whether there is space for more messages.
  /// - Throws: `SQLITE_FULL` if there is no space for this transaction.
  static func reserve(_ db: Database, pageCount: Statement, freePages: Statement) throws -> Bool {
    let length = (try Int.fetchOne(pageCount) ?? 0) * pageSize
    guard reserve(length, db) else {
      throw DatabaseError(resultCode: .SQLITE_FULL, message: "no space left on the disk")
    }
    let free = (try Int.fetchOne(freePages) ?? 0) * pageSize
    return reserve(length - free + spare, db)
  }

  private static func reserve(_ bytes: Int, _ db: Database) -> Bool {
    var bytes = Int64(bytes)
    let code = sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_SIZE_HINT, &bytes)
    // A database in memory has no file.
    return code == SQLITE_OK || code == SQLITE_NOTFOUND
  }

  /// Extends the log to its maximum size. If the disk is full, the log keeps its size.
  static func reserveLog(_ path: String) {
    guard let file = FileHandle(forWritingAtPath: path), let length = try? file.seekToEnd() else { return }
    defer { try? file.close() }
    // A log has a header of 32 bytes, and 24 bytes before each page. SQLite ignores everything after its valid part.
    var missing = 32 + logPages * (24 + pageSize) - Int(length)
    while missing > 0 {
      let part = Data(count: min(missing, 1_048_576))
      guard (try? file.write(contentsOf: part)) != nil else { return }
      missing -= part.count
    }
  }

  /// Marks a log that was written to the database as empty, but keeps its space. Otherwise another database at the same
  /// path would read it as its own log.
  static func clearLog(_ path: String) {
    guard let file = FileHandle(forWritingAtPath: path) else { return }
    defer { try? file.close() }
    try? file.write(contentsOf: Data(count: 32))
  }
}
