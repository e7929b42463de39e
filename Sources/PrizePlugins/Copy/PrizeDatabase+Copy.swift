import Foundation
import GRDB
import WorkerKit

extension PrizeDatabase {
  /// Copies everything to a database that has nothing, or goes on with a copy that was begun.
  ///
  /// - Parameter report: Called from time to time, with one line.
  /// - Returns: How many rows each table has, and whether the source was written to meanwhile: what was is not in the copy.
  /// - Throws: ``PrizeStoreError``.
  func copy(
    to target: PrizeDatabase, report: @escaping @Sendable (String) -> Void
  ) async throws -> (counts: [(table: String, rows: Int)], sourceHasChanged: Bool) {
    // Brings its tables up to date.
    try await target.prepareForCopy()
    return try await BlockingThreads(limit: 1).run { [self] in
      var totals: [[String]] = []
      let counts = try withCopySource { source in
        totals = try CopyTable.all.map { try source.totals(of: $0) }
        return try target.withCopyTarget { writer in
          try PrizeCopy(source: source, target: writer, sourceName: "\(self)", targetName: "\(target)", report: report)
            .run()
        }
      }
      let now = try withCopySource { source in try CopyTable.all.map { try source.totals(of: $0) } }
      return (counts, now != totals)
    }
  }

  func prepareForCopy() async throws {
    switch location {
    case .sqlite(let file): try await PrizeConnections.open(file.path).close()
    case .postgres(let address):
      try await address.mapErrors(opening: true) {
        let pool = PostgresPool(address, size: 1, limit: .seconds(60))
        try await pool.run { connection, deadline in try PostgresSchema.migrate(connection, until: deadline) }
        pool.close()
      }
    }
  }

  /// Blocks its thread.
  func withCopySource<Value>(_ body: (any CopySource) throws -> Value) throws -> Value {
    switch location {
    case .sqlite(let file):
      return try file.readTablesNow { db in
        guard try !SQLiteCopyTarget.isUnfinished(db) else { throw PrizeStoreError.unfinishedCopy(database: "\(self)") }
        return try body(SQLiteCopySource(db: db))
      }
    case .postgres(let address):
      let connection: PostgresConnection
      do {
        connection = try PostgresConnection(address)
        let deadline = ContinuousClock.now + .seconds(10)
        try address.checkTables(connection, until: deadline)
        guard try connection.run([PostgresCopyTarget.isUnfinished], until: deadline)[0].rows.isEmpty else {
          throw PrizeStoreError.unfinishedCopy(database: "\(self)")
        }
      } catch {
        throw address.printable(error, opening: true)
      }
      let source = PostgresCopySource(address: address, connection: connection)
      try source.begin()
      return try body(source)
    }
  }

  /// Blocks its thread.
  func withCopyTarget<Value>(_ body: (any CopyTarget) throws -> Value) throws -> Value {
    switch location {
    case .sqlite(let file):
      let pool: DatabasePool
      do {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        configuration.foreignKeysEnabled = true
        pool = try DatabasePool(path: file.path, configuration: configuration)
        try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
      } catch let error as DatabaseError {
        throw PrizeStoreError(error, path: file.path, opening: true)
      }
      defer { try? pool.close() }
      return try body(SQLiteCopyTarget(path: file.path, pool: pool))
    case .postgres(let address):
      let connection: PostgresConnection
      do { connection = try PostgresConnection(address) } catch { throw address.printable(error, opening: true) }
      return try body(PostgresCopyTarget(address: address, connection: connection))
    }
  }
}
