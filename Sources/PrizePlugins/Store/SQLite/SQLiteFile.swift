import Foundation
import GRDB
import WorkerKit

/// The file of an SQLite prize database.
struct SQLiteFile: Hashable, CustomStringConvertible {
  /// Its folder must exist.
  let path: String

  init(path: String) {
    self.path = path
  }

  /// nil where the text is not `sqlite:<path>`.
  init?(text: String) {
    let scheme = "sqlite:"
    guard text.hasPrefix(scheme) else { return nil }
    var path = text.dropFirst(scheme.count)
    if path.hasPrefix("///") {
      path = path.dropFirst(2)
    }
    guard
      !path.isEmpty,
      !path.hasPrefix("//"),  // sqlite://name reads as a host, which SQLite has not
      !path.hasPrefix(":"),  // sqlite::memory: would forget every prize
      !path.hasPrefix("file:"),  // SQLite's own URIs carry options that would go unchecked
      !path.hasSuffix("/"),
      !path.contains("\0")
    else { return nil }
    self.init(path: String(path))
  }

  var description: String { "sqlite:\(path)" }

  /// Reads the database, makes none, and leaves no file behind: a connection that could write, and is told not to, takes the
  /// files of the write-ahead log away again. One that may only read leaves them.
  func inspect<Value: Sendable>(_ read: @Sendable (Database) throws -> Value) async throws -> Value {
    let queue = try openReadOnly()
    defer { try? queue.close() }
    return try await queue.read(read)
  }

  private func openReadOnly() throws -> DatabaseQueue {
    try DatabaseFiles.checkOwners(path)
    var configuration = Configuration()
    configuration.busyMode = LockWait.busyMode
    configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA query_only = ON") }
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  /// What someone owns and what waits for them.
  ///
  /// - Throws: ``PrizeStoreError``, of kind `notFound` where there is no database, or nothing in it that can be held.
  func holdings(of id: Identifier, withHistory: Bool) async throws -> Holdings {
    try await readTables { db in
      let holdings = try HoldingsQuery(db: db).run(id, withHistory: withHistory)
      let hasCatalog: Bool? = try db.value(
        "SELECT EXISTS (SELECT 1 FROM communities UNION ALL SELECT 1 FROM characters)", [])
      guard !holdings.isUnknown || hasCatalog == true else {
        throw PrizeStoreError.nothingToHold(
          "the database \(path) has no catalog, and nobody holds anything in it", database: path)
      }
      return holdings
    }
  }

  /// Sums up the ledger.
  ///
  /// - Throws: ``PrizeStoreError``, of kind `notFound` where there is no database, or no ledger in it.
  func report(_ request: PrizeReport.Request) async throws -> PrizeReport {
    try await readTables { db in try ReportQuery(db: db).run(request) }
  }

  /// ``inspect(_:)`` where the tables are this worker's.
  private func readTables<Value: Sendable>(
    _ read: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    try await BlockingThreads.standard.run { try readTablesNow(read) }
  }

  /// The same, and blocks its thread.
  func readTablesNow<Value>(_ read: (Database) throws -> Value) throws -> Value {
    guard FileManager.default.fileExists(atPath: path) else {
      throw PrizeStoreError.nothingToHold("there is no database \(path)", database: path)
    }
    do {
      let queue = try openReadOnly()
      defer { try? queue.close() }
      return try queue.read { db in
        let migrator = PrizeSchema.migrator
        guard try !migrator.hasBeenSuperseded(db) else { throw PrizeStoreError.newerVersion(database: path) }
        guard try migrator.hasCompletedMigrations(db) else {
          throw PrizeStoreError.nothingToHold(
            "the database \(path) has no tables that this worker knows", database: path)
        }
        return try read(db)
      }
    } catch let error as DatabaseError {
      throw PrizeStoreError(error, path: path)
    }
  }
}
