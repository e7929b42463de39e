import Foundation
import GRDB
import WorkerKit

/// Prizes in one SQLite file, which several workers on one machine may share.
///
/// A commit is on disk before it is reported (write-ahead log, `synchronous=FULL`), in files that are in their place then. A
/// call waits up to five seconds for those before it and for another process's lock, and then throws a ``PrizeStoreError`` of
/// kind `unavailable`.
struct SQLitePrizeStore: PrizeStore {
  let path: String
  let connections: PrizeConnections
  private let lockLimit: Duration
  private let now: @Sendable () -> Date
  private let telemetry: StoreTelemetry

  /// Opens the file, or makes it, and brings its tables up to date.
  ///
  /// - Throws: ``PrizeStoreError`` that names the file and what to do.
  init(
    path: String, lockLimit: Duration = LockWait.limit, now: @escaping @Sendable () -> Date = { Date() }
  ) async throws {
    connections = try await PrizeConnections.open(path)
    guard try await !connections.read(SQLiteCopyTarget.isUnfinished) else {
      connections.close()
      throw PrizeStoreError.unfinishedCopy(database: path)
    }
    self.path = path
    self.lockLimit = lockLimit
    self.now = now
    telemetry = StoreTelemetry(system: "sqlite", namespace: path)
  }

  func grant(_ events: [KeyedEvent<ItemAwarded>]) async throws -> [Result<Handled<Holder>, any Error>] {
    try await once("grant", events) { tables, event in try tables.grant(event.event, as: event.key) }
  }

  func transfer(_ events: [KeyedEvent<CharacterAwarded>]) async throws -> [Result<Handled<Holder>, any Error>] {
    try await once("transfer", events) { tables, event in try tables.transfer(event.event, as: event.key) }
  }

  func link(_ events: [KeyedEvent<AccountLinked>]) async throws -> [Result<Handled<Claim>, any Error>] {
    try await once("link", events) { tables, event in try tables.link(event.event, as: event.key) }
  }

  func importCatalog(_ catalog: Catalog) async throws -> ImportCounts {
    let time = now().ISO8601Format()
    return try await mapErrors {
      try await commit { db in try CatalogImport(tables: PrizeTables(db: db, time: time)).run(catalog) }
    }
  }

  func holdings(of id: Identifier, withHistory: Bool) async throws -> Holdings {
    try await mapErrors {
      try await connections.read { db in try HoldingsQuery(db: db).run(id, withHistory: withHistory) }
    }
  }

  func report(_ request: PrizeReport.Request) async throws -> PrizeReport {
    try await mapErrors {
      try await connections.read { db in try ReportQuery(db: db).run(request) }
    }
  }

  func pruneKeys(olderThan age: Duration) async throws -> KeyPruning.Step {
    let time = now().addingTimeInterval(-(age / .seconds(1))).ISO8601Format()
    let count = try await mapErrors {
      try await commit { db in
        try db.run(
          """
          DELETE FROM handled_events WHERE (event_type, key) IN (
            SELECT event_type, key FROM handled_events WHERE handled_at < ? ORDER BY handled_at LIMIT \(KeyPruning.step))
          """, [time])
        return db.changesCount
      }
    }
    return .pruned(count)
  }

  func checkHealth() async throws {
    try await mapErrors { try await connections.health.run() }
  }

  /// SQLite removes the files of the write-ahead log when the connections were the last.
  func close() {
    connections.close()
  }

  /// How the connection that writes is set up, by pragma.
  func settings() async throws -> [String: String] {
    try await mapErrors {
      try await connections.pool.writeWithoutTransaction { db in
        let pragmas = ["journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "cell_size_check"]
        return try Dictionary(
          uniqueKeysWithValues: pragmas.map { ($0, try String.fetchOne(db, sql: "PRAGMA \($0)") ?? "") })
      }
    }
  }

  /// In one transaction does `work` for each event and records its key, unless the key is recorded already.
  private func once<Event: RecordedEvent, Outcome: Sendable>(
    _ operation: String,
    _ events: [KeyedEvent<Event>],
    _ work: @escaping @Sendable (PrizeTables, KeyedEvent<Event>) throws -> Outcome
  ) async throws -> [Result<Handled<Outcome>, any Error>] {
    let contents = events.map(\.event.content)
    let handledAt = now().ISO8601Format()
    return try await telemetry.measure(operation, count: events.count) {
      try await mapErrors {
        try await commit { db in
          let tables = PrizeTables(db: db, time: handledAt)
          return try zip(events, contents).map { event, content in
            try alone(db) { () throws -> Handled<Outcome> in
              guard try tables.record(event.key, content: content) else { return .alreadyHandled }
              return .now(try work(tables, event))
            }
          }
        }
      }
    }
  }

  /// Commits what `work` writes, and returns when it is in files that are in their place.
  ///
  /// Where they went during the commit, this throws although something may be committed: if it is still there when the event comes
  /// again, its key says so.
  private func commit<Value: Sendable>(
    _ work: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value {
    try await LockWait.limited(to: lockLimit) {
      try await connections.pool.writeWithoutTransaction { db in
        do {
          var value: Value?
          // BEGIN IMMEDIATE: two deliveries of one event take turns from the first statement on, so that the second one
          // sees the key of the first.
          try db.forgettingDamage {
            try db.inTransaction(.immediate) {
              value = try work(db)
              try connections.files.check(db)
              return .commit
            }
          }
          try connections.files.checkFolders()
          guard let value else { preconditionFailure("a transaction was committed without its work") }
          return value
        } catch let fault as DatabaseFiles.Fault {
          connections.salvage(db, after: fault)
          throw fault
        }
      }
    }
  }

  /// Does the work of one event in a savepoint, which undoes that work when it fails.
  ///
  /// - Throws: What is not the event's own failure: the whole transaction's.
  private func alone<Outcome>(
    _ db: Database, _ work: () throws -> Handled<Outcome>
  ) throws -> Result<Handled<Outcome>, any Error> {
    try db.run("SAVEPOINT event")
    let outcome: Result<Handled<Outcome>, any Error>
    do {
      outcome = .success(try work())
    } catch let error as DatabaseError {
      // SQLite gives some transactions up as a whole; and what keeps one event out keeps out all.
      guard db.isInsideTransaction, error.concernsOneEvent else { throw error }
      outcome = .failure(PrizeStoreError(error, path: path))
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      outcome = .failure(error)
    }
    // With GRDB's `inSavepoint`, work that cannot be undone would be committed.
    if case .failure = outcome { try db.run("ROLLBACK TO event") }
    try db.run("RELEASE event")
    return outcome
  }

  private func mapErrors<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch let error as DatabaseError {
      // What SQLite reports of a cancelled task is the cancellation, not a failure of the database.
      if Task.isCancelled, error.isInterruptionError || error.resultCode == .SQLITE_BUSY { throw CancellationError() }
      throw PrizeStoreError(error, path: path)
    } catch let fault as DatabaseFiles.Fault {
      throw PrizeStoreError(fault, path: path)
    }
  }
}
