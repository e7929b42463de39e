import Foundation
import GRDB
import Tracing
import WorkerKit

/// Prizes in one SQLite file, which several workers on one machine may share.
///
/// A commit is on disk before it is reported (write-ahead log, `synchronous=FULL`). A writer waits up to five seconds
/// for another process's lock, and then throws a ``PrizeStoreError`` of kind `unavailable`.
struct SQLitePrizeStore: PrizeStore {
  static let busyTimeout: TimeInterval = 5

  private let pool: DatabasePool
  private let path: String
  private let now: @Sendable () -> Date

  /// Opens the file, or makes it, and brings its tables up to date.
  ///
  /// - Throws: ``PrizeStoreError`` that names the file and what to do.
  init(path: String, now: @escaping @Sendable () -> Date = { Date() }) async throws {
    do {
      pool = try await Self.open(path)
    } catch let error as DatabaseError {
      throw PrizeStoreError(error, path: path, opening: true)
    }
    self.path = path
    self.now = now
  }

  func grant(_ events: [KeyedEvent<ItemAwarded>]) async throws -> [Result<Handled<Holder>, any Error>] {
    try await once("grant", events) { ledger, event in try ledger.grant(event) }
  }

  func transfer(_ events: [KeyedEvent<CharacterAwarded>]) async throws -> [Result<Handled<Holder>, any Error>] {
    try await once("transfer", events) { ledger, event in try ledger.transfer(event) }
  }

  func link(_ events: [KeyedEvent<AccountLinked>]) async throws -> [Result<Handled<Claim>, any Error>] {
    try await once("link", events) { ledger, event in try ledger.link(event) }
  }

  func importCatalog(_ catalog: Catalog) async throws -> ImportCounts {
    try await mapErrors {
      try await pool.write { db in try CatalogImport(ledger: PrizeLedger(db: db)).run(catalog) }
    }
  }

  func holdings(of id: Identifier) async throws -> Holdings {
    try await mapErrors {
      try await pool.read { db in try HoldingsQuery(db: db).run(id) }
    }
  }

  func checkHealth() async throws {
    try await mapErrors {
      // A commit of nothing new: it needs the lock, the disk and the permission that a grant needs.
      try await pool.write { db in
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        try db.execute(sql: "PRAGMA user_version = \(version)")
        try checkFile(db)
      }
    }
  }

  /// How the connection that writes is set up, by pragma.
  func settings() async throws -> [String: String] {
    try await mapErrors {
      try await pool.writeWithoutTransaction { db in
        let pragmas = ["journal_mode", "synchronous", "foreign_keys", "busy_timeout", "wal_autocheckpoint"]
        return try Dictionary(
          uniqueKeysWithValues: pragmas.map { ($0, try String.fetchOne(db, sql: "PRAGMA \($0)") ?? "") })
      }
    }
  }

  /// In one transaction does `work` for each event and records its key, unless the key is recorded already.
  private func once<Event: RecordedEvent, Outcome: Sendable>(
    _ operation: String,
    _ events: [KeyedEvent<Event>],
    _ work: @escaping @Sendable (PrizeLedger, Event) throws -> Outcome
  ) async throws -> [Result<Handled<Outcome>, any Error>] {
    let contents = events.map(\.event.content)
    let handledAt = now().ISO8601Format()
    return try await spanning(operation, count: events.count) {
      // BEGIN IMMEDIATE: two deliveries of one event take turns from the first statement on, so that the second one
      // sees the key of the first.
      try await pool.write { db in
        let ledger = PrizeLedger(db: db)
        let outcomes = try zip(events, contents).map { event, content in
          try alone(db) { () throws -> Handled<Outcome> in
            guard try ledger.record(event.key, content: content, at: handledAt) else { return .alreadyHandled }
            return .now(try work(ledger, event.event))
          }
        }
        try checkFile(db)
        return outcomes
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
      let failure = PrizeStoreError(error, path: path)
      // SQLite gives some transactions up as a whole; and what keeps one event out keeps out all.
      guard db.isInsideTransaction, !error.isInterruptionError, failure.kind == .unexpected else { throw error }
      outcome = .failure(failure)
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

  /// A span around a transaction, the wait for its turn included, after OpenTelemetry's database conventions.
  private func spanning<Value>(
    _ operation: String, count: Int, _ body: () async throws -> Value
  ) async throws -> Value {
    try await withSpan("\(operation) prizes", ofKind: .client) { span in
      span.updateAttributes { attributes in
        attributes["db.system.name"] = "sqlite"
        attributes["db.namespace"] = path
        attributes["db.operation.name"] = operation
        if count > 1 { attributes["db.operation.batch.size"] = count }
      }
      do {
        return try await mapErrors(body)
      } catch let error as any ClassifiedError {
        span.attributes["error.type"] = error.kind.rawValue
        throw error
      }
    }
  }

  /// Last of all, and just before the commit.
  private func checkFile(_ db: Database) throws {
    guard !db.hasItsFile else { return }
    throw PrizeStoreError(
      kind: .unavailable,
      message: "the prize database was moved or deleted while it was open: \(path); put the file back with its -wal, "
        + "or restart the worker to use the one that is there now",
      path: path)
  }

  private func mapErrors<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
      return try await body()
    } catch let error as DatabaseError {
      // What SQLite reports of a cancelled task is the cancellation, not a failure of the database.
      if error.isInterruptionError, Task.isCancelled { throw CancellationError() }
      throw PrizeStoreError(error, path: path)
    }
  }
}

extension SQLitePrizeStore {
  /// Opens as often as it takes while others open the same file: SQLite does not wait for the lock with which the first
  /// of them turns the write-ahead log on.
  private static func open(_ path: String) async throws -> DatabasePool {
    let start = ContinuousClock.now
    while true {
      do {
        return try openOnce(path)
      } catch DatabaseError.SQLITE_BUSY where start.duration(to: .now) < .seconds(busyTimeout) {
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }

  private static func openOnce(_ path: String) throws -> DatabasePool {
    var configuration = Configuration()
    configuration.label = "prizes"
    configuration.busyMode = .timeout(busyTimeout)
    configuration.foreignKeysEnabled = true
    let pool = try DatabasePool(path: path, configuration: configuration)
    try pool.writeWithoutTransaction { db in
      // After opening, because opening sets NORMAL, with which a power cut can undo commits that were reported.
      try db.execute(sql: "PRAGMA synchronous = FULL")
      // In pages, four times the usual: 16 MB of log. Keys are random, so that almost every grant writes a page of its own,
      // and the longer the log, the more grants a page has taken when it is written to its place.
      try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
    }
    try migrate(pool, path: path)
    // A file that may only be read opens without complaint, and BEGIN IMMEDIATE reads it: find out now, by a statement
    // that writes nothing, rather than with the first prize.
    try pool.writeWithoutTransaction { db in try db.execute(sql: "DELETE FROM handled_events WHERE FALSE") }
    return pool
  }

  private static func migrate(_ pool: DatabasePool, path: String) throws {
    let migrator = PrizeSchema.migrator
    while true {
      if try pool.read(migrator.hasBeenSuperseded) {
        throw PrizeStoreError.newerVersion(path: path)
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
