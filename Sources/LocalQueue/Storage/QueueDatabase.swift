import Foundation
import GRDB

/// Opens `queues.sqlite`.
enum QueueDatabase {
  static let fileName = "queues.sqlite"

  /// - Throws: a ``LocalQueueError`` that says what to do.
  static func open(in directory: String, syncsToDisk: Bool) throws -> DatabaseQueue {
    let path = "\(directory)/\(fileName)"
    do {
      // Messages are nobody else's business.
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw LocalQueueError(
        "cannot make the directory \(directory) for the queues: \(reason(error)); choose another with --data")
    }
    var configuration = GRDB.Configuration()
    configuration.prepareDatabase { db in
      // One process at a time, and no shared memory. WAL writes a commit with one sync.
      try db.execute(
        sql: """
          PRAGMA locking_mode = EXCLUSIVE;
          PRAGMA journal_mode = WAL;
          PRAGMA synchronous = \(syncsToDisk ? "FULL" : "NORMAL");
          PRAGMA fullfsync = 1;
          PRAGMA wal_autocheckpoint = 4000;
          PRAGMA cache_size = -32000;
          """)
    }
    do {
      let database = try DatabaseQueue(path: path, configuration: configuration)
      let isFromLater = try database.read { try Schema.migrator.hasBeenSuperseded($0) }
      guard !isFromLater else {
        throw LocalQueueError(
          "\(path) was written by a newer version of this program; use that version, or another directory with --data")
      }
      try Schema.migrator.migrate(database)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      return database
    } catch let error as DatabaseError {
      throw LocalQueueError("cannot use \(path): \(advice(for: error))")
    }
  }

  private static func advice(for error: DatabaseError) -> String {
    switch error.resultCode {
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      "another process, perhaps `worker dev` or another local queue, is using it; use that one's queues, or choose another directory with --data and another port with --port"
    case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM:
      "this user may not write there (\(error.message ?? "")); change its permissions, or choose another directory with --data"
    case .SQLITE_NOTADB, .SQLITE_CORRUPT:
      "it is damaged, or no database (\(error.message ?? "")); move it away, or choose another directory with --data"
    case .SQLITE_FULL:
      "the disk is full; free some space, or choose another directory with --data"
    default:
      "\(error)"
    }
  }

  private static func reason(_ error: any Error) -> String {
    (error as NSError).localizedDescription
  }
}
