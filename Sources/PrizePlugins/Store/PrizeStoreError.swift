import GRDB
import WorkerKit

/// Why the store could not do its work. What an event got wrong is an ``EventError`` instead.
struct PrizeStoreError: ClassifiedError, CustomStringConvertible {
  let kind: ErrorKind
  /// The cause and the next step.
  let message: String
  /// The database file.
  let path: String

  var description: String { message }

  init(kind: ErrorKind, message: String, path: String) {
    self.kind = kind
    self.message = message
    self.path = path
  }

  /// - Parameter opening: Whether the database was being opened.
  init(_ error: DatabaseError, path: String, opening: Bool = false) {
    let advice = Self.advice(for: error.resultCode, path: path)
    let failed = opening ? "cannot open the prize database" : "the prize database failed"
    // Neither the SQL nor its arguments: they hold what the event said.
    let cause = error.message ?? "SQLite error \(error.extendedResultCode.rawValue)"
    self.init(
      kind: advice == nil ? .unexpected : .unavailable,
      message: "\(failed): \(path): \(cause); \(advice ?? "look for that SQLite error, the event was not handled")",
      path: path)
  }

  static func newerVersion(path: String) -> PrizeStoreError {
    PrizeStoreError(
      kind: .unavailable,
      message: "cannot use the prize database: \(path) was made by a newer version of this worker, or by another "
        + "program; run the newer version, or name another file in plugins.prizes.database",
      path: path)
  }

  /// What to do about a failure that passes or that an operator can end; nil for any other.
  private static func advice(for code: ResultCode, path: String) -> String? {
    switch code {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      "another process holds its lock; end long-running transactions on it, or wait"
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
      "the file is damaged; restore it from a backup"
    case .SQLITE_PROTOCOL, .SQLITE_SCHEMA:
      "another process is changing it; wait"
    default:
      nil
    }
  }
}
