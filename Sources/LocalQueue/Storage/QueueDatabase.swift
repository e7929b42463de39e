import Foundation
import GRDB

/// `queues.sqlite`, and the files that commits to it depend on.
final class QueueDatabase: Sendable {
  static let fileName = "queues.sqlite"

  let connection: DatabaseQueue
  private let files: [DatabaseFile]
  private let lock: FolderLock?

  /// A database in memory, or another one that is not shared. The caller owns the connection.
  init(_ connection: DatabaseQueue) {
    self.connection = connection
    files = []
    lock = nil
  }

  /// Opens the database of a folder, and creates it if it does not exist.
  ///
  /// - Throws: A ``LocalQueueError`` with the remedy.
  init(in directory: String, syncsToDisk: Bool) throws {
    let path = "\(directory)/\(Self.fileName)"
    lock = try FolderLock(directory)
    do {
      Self.keepPrivate(path)
      connection = try DatabaseQueue(path: path, configuration: Self.configuration(syncsToDisk: syncsToDisk))
      let isFromLater = try connection.read { try Schema.migrator.hasBeenSuperseded($0) }
      guard !isFromLater else {
        throw LocalQueueError(
          "\(path) was written by a newer version of this program; use that version, or another directory with --data")
      }
      try Schema.migrator.migrate(connection)
    } catch let error as DatabaseError where [.SQLITE_BUSY, .SQLITE_LOCKED].contains(error.resultCode) {
      throw LocalQueueError(isInUse: directory)
    } catch let error as DatabaseError {
      throw LocalQueueError(cannotUse: path, error)
    }
    // Without shared memory, the database has only these files.
    files = try [path, Self.log(of: path)].map { path in
      guard let file = DatabaseFile(path) else {
        throw LocalQueueError("\(path) went away while it was opened; try again")
      }
      return file
    }
    reserveSpace()
  }

  /// Closes the database after an error as well.
  deinit { if lock != nil { try? close() } }

  /// Reserves space for a full disk, as far as the disk has it.
  func reserveSpace() {
    if let log = files.last, log.isInPlace { DiskSpace.reserveLog(log.path) }
  }

  /// Checks the files.
  ///
  /// - Throws: A ``ServiceError`` if a commit would be lost.
  func checkFiles() throws {
    if let missing = files.first(where: { !$0.isInPlace }) { throw ServiceError.filesAreGone(missing.path) }
  }

  /// Writes everything to the database file, and unlocks the folder.
  func close() throws {
    let isWritten = try? connection.writeWithoutTransaction { db in
      // The row states whether the checkpoint was blocked, the pages in the log, and how many of them are in the
      // database now.
      let row = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(RESTART)")
      return row.map { $0[1] as Int == $0[2] as Int } ?? false
    }
    try connection.close()
    if isWritten == true, let log = files.last, files.allSatisfy(\.isInPlace) { DiskSpace.clearLog(log.path) }
  }

  private static func log(of path: String) -> String { "\(path)-wal" }

  /// Restricts the files to this user. SQLite gives the log the permissions of the database.
  private static func keepPrivate(_ path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor >= 0 { Foundation.close(descriptor) }
    // SQLite reports the problem if no file can be created in the folder, or if another user owns the files.
    for path in [path, log(of: path)] {
      let permissions = (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int
      if let permissions, permissions & 0o077 != 0 {
        try? FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      }
    }
  }

  private static func configuration(syncsToDisk: Bool) -> GRDB.Configuration {
    var configuration = GRDB.Configuration()
    configuration.prepareDatabase { db in
      // One process at a time, without shared memory. WAL needs one sync for each commit. Temporary data stays in
      // memory, because the disk of temporary files may be full. Deleted data is overwritten if that costs no
      // additional write.
      try db.execute(
        sql: """
          PRAGMA locking_mode = EXCLUSIVE;
          PRAGMA journal_mode = WAL;
          PRAGMA synchronous = \(syncsToDisk ? "FULL" : "NORMAL");
          PRAGMA fullfsync = 1;
          PRAGMA wal_autocheckpoint = \(DiskSpace.logPages);
          PRAGMA cache_size = -32000;
          PRAGMA temp_store = MEMORY;
          PRAGMA secure_delete = FAST;
          """)
      try DiskSpace.prepare(db)
    }
    return configuration
  }
}
