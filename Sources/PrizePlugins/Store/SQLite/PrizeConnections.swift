import Foundation
import GRDB
import GRDBSQLite
import WorkerKit
import WorkerLocks

/// The open connections to a prize database: one that writes, in a pool with those that read, and that of the health check.
final class PrizeConnections: Sendable {
  let pool: DatabasePool
  let files: DatabaseFiles
  let health: HealthProbe
  private let isClosed = Mutex(false)

  /// Opens the file, or makes it, and brings its tables up to date.
  private init(path: String) throws {
    var configuration = Configuration()
    configuration.label = "prizes"
    configuration.busyMode = LockWait.busyMode
    configuration.foreignKeysEnabled = true
    // A page that is damaged is noticed when it is read, rather than when its cell is used.
    configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA cell_size_check = ON") }
    try DatabaseFiles.checkOwners(path)
    DatabaseFiles.create(path)
    pool = try DatabasePool(path: path, configuration: configuration)
    try pool.writeWithoutTransaction { db in
      // After opening, because opening sets NORMAL, with which a power cut can undo commits that were reported.
      try db.execute(sql: "PRAGMA synchronous = FULL")
      // In pages, four times the usual: 16 MB of log. Keys are random, so that almost every grant writes a page of its own,
      // and the longer the log, the more grants a page has taken when it is written to its place.
      try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
    }
    try Self.migrate(pool, path: path)
    // A file that may only be read opens without complaint, and BEGIN IMMEDIATE reads it: find out now, by a statement
    // that writes nothing, rather than with the first prize.
    files = try pool.writeWithoutTransaction { db in
      try db.execute(sql: "DELETE FROM handled_events WHERE FALSE")
      return try DatabaseFiles(db)
    }
    configuration.label = "prizes health"
    health = HealthProbe(queue: try DatabaseQueue(path: path, configuration: configuration), files: files)
  }

  /// Reads in a transaction, and forgets damaged pages.
  func read<Value: Sendable>(_ work: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
    try await pool.read { db in try db.forgettingDamage { try work(db) } }
  }

  /// Closes the connections, after the statements that are under way. No statement may follow.
  func close() {
    let wasClosed = isClosed.withLock { isClosed in
      defer { isClosed = true }
      return isClosed
    }
    guard !wasClosed, areFilesInPlace() else { return }
    // The last connection removes the files of the log, and the pool closes those last that may only read, which cannot.
    try? pool.close()
    try? health.queue.close()
  }

  deinit {
    if !isClosed.withLock({ $0 }) { _ = areFilesInPlace() }
  }

  /// Whether closing is harmless; salvages what was committed, where it is not.
  private func areFilesInPlace() -> Bool {
    let isInPlace = try? pool.writeWithoutTransaction { db in
      do {
        try files.check(db)
        return true
      } catch let fault as DatabaseFiles.Fault {
        salvage(db, after: fault)
        return false
      }
    }
    return isInPlace ?? false
  }

  /// Saves what was committed to a log that went away, of which these connections have a descriptor, and keeps SQLite from doing
  /// harm.
  ///
  /// The connection that is closed last writes its log into the database. That is right for a log that is what it was; but where
  /// it was written over, or another process has begun one of its own meanwhile, it would destroy the database. Such connections
  /// are never closed.
  func salvage(_ db: Database, after fault: DatabaseFiles.Fault) {
    switch fault {
    case .missingDatabase:
      return
    case .missingLog where db.hasItsLog:
      guard let saved = try? db.checkpoint(.passive), saved.walFrameCount == saved.checkpointedFrameCount else {
        return
      }
    case .missingLog, .missingIndex, .damagedLog:
      break
    }
    _ = Unmanaged.passRetained(pool)
    _ = Unmanaged.passRetained(health.queue)
  }

  /// Opens as often as it takes while others open the same file: SQLite does not wait for the lock with which the first
  /// of them turns the write-ahead log on.
  ///
  /// - Throws: ``PrizeStoreError`` that names the file and what to do; `CancellationError`.
  static func open(_ path: String) async throws -> PrizeConnections {
    let start = ContinuousClock.now
    while true {
      do {
        return try PrizeConnections(path: path)
      } catch DatabaseError.SQLITE_BUSY where start.duration(to: .now) < LockWait.limit {
        try await Task.sleep(for: .milliseconds(20))
      } catch let error as DatabaseError {
        throw PrizeStoreError(error, path: path, opening: true)
      } catch let fault as DatabaseFiles.Fault {
        throw PrizeStoreError(fault, path: path)
      }
    }
  }

  private static func migrate(_ pool: DatabasePool, path: String) throws {
    let migrator = PrizeSchema.migrator
    while true {
      if try pool.read(migrator.hasBeenSuperseded) {
        throw PrizeStoreError.newerVersion(database: path)
      }
      let before = try pool.read(migrator.completedMigrations)
      do {
        return try migrator.migrate(pool)
      } catch {
        // Another process that opened the file at the same time may have been faster: then look again.
        guard try pool.read(migrator.completedMigrations) != before else { throw error }
      }
    }
  }
}

extension Database {
  /// Does `work`. If it meets a damaged page, the connection forgets the pages that it has cached.
  ///
  /// SQLite keeps a cached page until somebody commits. Where every worker has cached a damaged one, none commits, and all would
  /// report the damage after the file has become whole.
  func forgettingDamage<Value>(_ work: () throws -> Value) throws -> Value {
    do {
      return try work()
    } catch let error as DatabaseError where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
      sqlite3_db_release_memory(sqliteConnection)
      throw error
    }
  }
}
