import Foundation
import GRDB
import WorkerKit

extension PrizeStoreError {
  /// - Parameter opening: Whether the database was being opened.
  init(_ error: DatabaseError, path: String, opening: Bool = false) {
    let advice = Self.advice(for: error.resultCode, path: path)
    let failed = opening ? "cannot open the prize database" : "the prize database failed"
    // Neither the SQL nor its arguments: they hold what the event said.
    let cause = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    self.init(
      kind: advice == nil ? .unexpected : .unavailable,
      message: "\(failed): \(path): \(cause); \(advice ?? "the event was not handled; look up this SQLite error")",
      database: path)
  }

  init(_ fault: DatabaseFiles.Fault, path: String) {
    let message =
      switch fault {
      case .missingDatabase(let file):
        "\(file) was moved, deleted or replaced while it was open; put the database back with its -wal, or restart the worker "
          + "to use the one that is there now"
      case .missingIndex(let file):
        "the log's index \(file) was moved, deleted or replaced while it was open; restart all workers on this database"
      case .missingLog(let file):
        "the write-ahead log \(file) was moved, deleted or replaced while it was open; what was granted is in the database now, "
          + "or else in that log; restart all workers on this database"
      case .damagedLog(let file):
        "the write-ahead log \(file) was cut short or written over, and grants in it may be lost; stop the worker and restore "
          + "the database from a backup"
      }
    self.init(kind: .unavailable, message: "the prize database failed: \(message)", database: path)
  }

  static func noAnswer(path: String, within limit: Duration) -> PrizeStoreError {
    PrizeStoreError(
      kind: .unavailable,
      message: "the prize database does not answer: \(path): a commit of nothing took longer than "
        + "\(limit.formatted(.units(allowed: [.seconds, .milliseconds]))); check its disk",
      database: path)
  }

  /// What to do about a failure that passes or that an operator can end; nil for any other.
  private static func advice(for code: ResultCode, path: String) -> String? {
    switch code {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      "another connection holds its lock; end long transactions of other processes on it, or check its disk"
    case .SQLITE_FULL:
      "free space on its disk"
    case .SQLITE_CANTOPEN:
      "its folder must exist, and the worker's user must be able to write in it"
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
      "the worker's user must be able to write the file and its folder"
    case .SQLITE_IOERR:
      "check its disk"
    case .SQLITE_NOMEM:
      "the worker ran out of memory"
    case .SQLITE_NOTADB:
      "name an SQLite database, or a file that does not exist yet, in plugins.prizes.database"
    case .SQLITE_CORRUPT:
      "the file is damaged; stop the worker, and restore the file from a backup"
    case .SQLITE_MISMATCH:
      "the file is damaged, or another program wrote to it; correct that row, or restore the file from a backup"
    case .SQLITE_ERROR:
      "its tables are not the worker's: it was damaged, or replaced by another database; restore it from a backup"
    case .SQLITE_PROTOCOL, .SQLITE_SCHEMA:
      "another process is changing it; wait"
    default:
      nil
    }
  }
}

extension DatabaseError {
  /// Whether the other events of a batch can be handled all the same.
  var concernsOneEvent: Bool {
    resultCode == .SQLITE_MISMATCH || PrizeStoreError(self, path: "").kind == .unexpected && !isInterruptionError
  }
}
