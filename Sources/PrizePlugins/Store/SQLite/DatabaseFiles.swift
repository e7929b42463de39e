import Foundation
import GRDB
import GRDBSQLite
import WorkerKit
import WorkerLocks

/// The files that a commit rests on: the database, its write-ahead log, and the log's index.
///
/// SQLite itself goes on writing to a file that was moved, deleted or cut short, and what is committed there is lost with it. None
/// of the three is replaced while a connection is open, so each must stay the file that it was when the database was opened.
struct DatabaseFiles: Sendable {
  /// What is wrong with them.
  enum Fault: Error, Equatable {
    /// The database was moved, deleted or replaced.
    case missingDatabase(path: String)
    /// The same of its log's index, where the database is in its place.
    case missingIndex(path: String)
    /// The same of the write-ahead log, where the other two are in their place.
    case missingLog(path: String)
    /// The write-ahead log does not hold what its index says: it was cut short or written over.
    case damagedLog(path: String)
  }

  /// What tells a file from any other.
  private struct Identity: Equatable {
    var device: UInt64
    var number: UInt64

    init?(path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      device = UInt64(status.st_dev)
      number = UInt64(status.st_ino)
    }
  }

  private struct File {
    var path: String
    var identity: Identity

    var isInPlace: Bool { Identity(path: path) == identity }
  }

  private let database: File
  private let log: File
  private let index: File

  /// Records which files they are.
  ///
  /// - Parameter db: A connection that has its write-ahead log open.
  init(_ db: Database) throws {
    // As SQLite opened it: absolute, and with links resolved.
    let path = String(cString: sqlite3_db_filename(db.sqliteConnection, "main"))
    func file(_ path: String, orElse fault: Fault) throws -> File {
      guard let identity = Identity(path: path) else { throw fault }
      return File(path: path, identity: identity)
    }
    database = try file(path, orElse: .missingDatabase(path: path))
    log = try file(path + "-wal", orElse: .missingLog(path: path + "-wal"))
    index = try file(path + "-shm", orElse: .missingIndex(path: path + "-shm"))
    var hasMoved: CInt = 0
    // Where the file system cannot tell, nothing is known against it.
    sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_HAS_MOVED, &hasMoved)
    guard hasMoved == 0 else { throw Fault.missingDatabase(path: path) }
  }

  /// Checks that nobody else can read or replace what is there, and that nobody has put a log beside it.
  ///
  /// - Throws: a ``PrizeStoreError`` that says what to do.
  static func checkOwners(_ path: String) throws {
    do {
      try FileTrust.check(folder: URL(fileURLWithPath: path).deletingLastPathComponent().path, ofAnyone: true)
      for file in [path, "\(path)-wal", "\(path)-shm"] { try FileTrust.check(file: file) }
    } catch let error as FileTrustError {
      throw PrizeStoreError(
        kind: .unavailable,
        message: "cannot open the prize database: \(error) (plugins.prizes.database, PRIZE_DATABASE)", database: path)
    }
  }

  private static let creation = Mutex(())

  /// Makes the database's file where there is none, for its owner alone, whatever the umask; SQLite gives the log and the index
  /// the database's mode. A file that is there keeps its own.
  ///
  /// What keeps it from being made is for SQLite to report.
  static func create(_ path: String) {
    // POSIX ends all locks of a process on a file when any of its descriptors is closed: none may be open yet.
    creation.withLock { _ in
      guard access(path, F_OK) != 0 else { return }
      let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { return }
      fchmod(descriptor, 0o600)
      close(descriptor)
    }
  }

  /// Checks that each is still in its place.
  ///
  /// - Throws: ``Fault``.
  func checkFolders() throws {
    guard database.isInPlace else { throw Fault.missingDatabase(path: database.path) }
    guard index.isInPlace else { throw Fault.missingIndex(path: index.path) }
    guard log.isInPlace else { throw Fault.missingLog(path: log.path) }
  }

  /// Checks that each is in its place, and that the log holds all that was committed to it.
  ///
  /// - Parameter db: In a transaction that may write, so that nobody else changes the log meanwhile.
  /// - Throws: ``Fault``.
  func check(_ db: Database) throws {
    try checkFolders()
    guard db.hasItsLog else { throw Fault.damagedLog(path: log.path) }
  }
}

// MARK: - The log and its index, as https://www.sqlite.org/walformat.html has them

extension Database {
  /// Whether the open write-ahead log has the header and the length that its index says.
  var hasItsLog: Bool {
    guard let index = logIndex(), index.frameCount > 0 else { return true }
    guard let log = file(SQLITE_FCNTL_JOURNAL_POINTER), let methods = log.pointee.pMethods?.pointee else { return true }
    var size: sqlite3_int64 = 0
    guard methods.xFileSize(log, &size) == SQLITE_OK, size >= index.logSize else { return false }
    var salt: UInt64 = 0
    return methods.xRead(log, &salt, CInt(MemoryLayout.size(ofValue: salt)), 16) == SQLITE_OK && salt == index.salt
  }

  /// What the index says of the log.
  private struct LogIndex {
    var frameCount: UInt32
    var pageSize: UInt16
    /// Drawn anew each time that the log begins anew.
    var salt: UInt64

    var logSize: Int64 {
      // 65,536 does not fit its two bytes, and is written as 1.
      let pageSize = pageSize == 1 ? 65_536 : Int64(pageSize)
      return 32 + Int64(frameCount) * (24 + pageSize)
    }
  }

  /// Nil where the connection has no index.
  private func logIndex() -> LogIndex? {
    var region: UnsafeMutableRawPointer?
    guard
      let database = file(SQLITE_FCNTL_FILE_POINTER), let map = database.pointee.pMethods?.pointee.xShmMap,
      map(database, 0, 32_768, 0, &region) == SQLITE_OK, let region
    else { return nil }
    return LogIndex(
      frameCount: region.load(fromByteOffset: 16, as: UInt32.self),
      pageSize: region.load(fromByteOffset: 14, as: UInt16.self),
      salt: region.load(fromByteOffset: 32, as: UInt64.self))
  }

  private func file(_ pointer: CInt) -> UnsafeMutablePointer<sqlite3_file>? {
    var file: UnsafeMutablePointer<sqlite3_file>?
    guard sqlite3_file_control(sqliteConnection, "main", pointer, &file) == SQLITE_OK else { return nil }
    return file
  }
}
