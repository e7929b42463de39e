import WorkerKit

extension PostgresAddress {
  /// What someone owns and what waits for them; brings no tables up to date.
  ///
  /// - Throws: ``PrizeStoreError``, of kind `notFound` where there is nothing that can be held.
  func holdings(of id: Identifier, withHistory: Bool) async throws -> Holdings {
    try await inspect { connection in
      let holdings = try PostgresHoldings.read(id, withHistory: withHistory, in: .reading(connection))
      let catalog = try connection.run(
        [PostgresStatement("SELECT 1 WHERE EXISTS (SELECT FROM communities) OR EXISTS (SELECT FROM characters)")],
        until: .now + PostgresPool.limit)
      guard !holdings.isUnknown || !catalog[0].rows.isEmpty else {
        throw PrizeStoreError.nothingToHold(
          "the database \(self) has no catalog, and nobody holds anything in it", database: description)
      }
      return holdings
    }
  }

  /// Sums up the ledger; brings no tables up to date.
  ///
  /// - Throws: ``PrizeStoreError``, of kind `notFound` where there is no ledger.
  func report(_ request: PrizeReport.Request) async throws -> PrizeReport {
    try await inspect { connection in try PostgresReport.read(request, in: .reading(connection)) }
  }

  /// Reads tables that are this worker's.
  private func inspect<Value: Sendable>(
    _ read: @escaping @Sendable (PostgresConnection) throws -> Value
  ) async throws -> Value {
    let pool = PostgresPool(self, size: 1)
    return try await mapErrors {
      try await pool.run { connection, deadline in
        try checkTables(connection, until: deadline)
        return try read(connection)
      }
    }
  }

  /// - Throws: ``PrizeStoreError`` of kind `notFound` where the tables are not this worker's; ``PostgresSchema/NewerSchema``.
  func checkTables(_ connection: PostgresConnection, until deadline: ContinuousClock.Instant) throws {
    let version = try PostgresSchema.currentVersion(connection, until: deadline)
    guard version <= PostgresSchema.version else { throw PostgresSchema.NewerSchema() }
    guard version == PostgresSchema.version else {
      throw PrizeStoreError.nothingToHold(
        "the database \(self) has no tables that this worker knows", database: description)
    }
  }
}
