import Foundation
import WorkerKit

/// Prizes in a PostgreSQL database, which workers on any number of machines share.
///
/// A commit is as durable as the server makes it, and never less than on the server's disk. A call for events or of health takes ten
/// seconds at most, and then throws a ``PrizeStoreError`` of kind `timeout` or `unavailable`. Imports, reports and holdings have
/// ``PostgresTransaction/longLimit``.
struct PostgresPrizeStore: PrizeStore {
  let address: PostgresAddress
  private let pool: PostgresPool
  private let health: PostgresPool
  private let now: (@Sendable () -> Date)?
  private let telemetry: StoreTelemetry

  /// Connects, and brings the tables up to date.
  ///
  /// - Parameters:
  ///   - connections: The most that events use; the check of health has one of its own.
  ///   - now: The server's clock by default, which is one for all workers.
  /// - Throws: ``PrizeStoreError`` that names the database and what to do.
  init(
    _ address: PostgresAddress, connections: Int = 4, limit: Duration = PostgresPool.limit,
    now: (@Sendable () -> Date)? = nil
  ) async throws {
    self.address = address
    self.now = now
    telemetry = StoreTelemetry(system: "postgresql", namespace: address.databaseName)
    pool = PostgresPool(address, size: connections, limit: limit, name: "prizes")
    // It must answer while the others wait, and before a check of ten seconds is over.
    health = PostgresPool(address, size: 1, limit: min(limit, .seconds(8)), name: "prizes health")
    try await address.mapErrors(opening: true) {
      // Those that started at the same time come first.
      let patient = PostgresPool(address, size: 1, limit: max(limit, .seconds(60)))
      try await patient.run { connection, deadline in
        try PostgresSchema.migrate(connection, until: deadline)
        guard try connection.run([PostgresCopyTarget.isUnfinished], until: deadline)[0].rows.isEmpty else {
          throw PrizeStoreError.unfinishedCopy(database: address.description)
        }
      }
    }
  }

  func grant(_ events: [KeyedEvent<ItemAwarded>]) async throws -> [Result<Handled<Holder>, any Error>] {
    try await once("grant", events, PostgresGrants.grant)
  }

  func transfer(_ events: [KeyedEvent<CharacterAwarded>]) async throws -> [Result<Handled<Holder>, any Error>] {
    try await once("transfer", events, PostgresGrants.transfer)
  }

  func link(_ events: [KeyedEvent<AccountLinked>]) async throws -> [Result<Handled<Claim>, any Error>] {
    try await once("link", events, PostgresGrants.link)
  }

  func importCatalog(_ catalog: Catalog) async throws -> ImportCounts {
    try await address.mapErrors {
      try await pool.run { connection, _ in
        try PostgresCatalogImport(catalog: catalog).run(in: .long(connection))
      }
    }
  }

  func holdings(of id: Identifier, withHistory: Bool) async throws -> Holdings {
    try await address.mapErrors {
      try await pool.run { connection, _ in
        try PostgresHoldings.read(id, withHistory: withHistory, in: .reading(connection))
      }
    }
  }

  func report(_ request: PrizeReport.Request) async throws -> PrizeReport {
    try await address.mapErrors {
      try await pool.run { connection, _ in try PostgresReport.read(request, in: .reading(connection)) }
    }
  }

  func pruneKeys(olderThan age: Duration) async throws -> KeyPruning.Step {
    let time = now.map { $0().ISO8601Format() }
    return try await address.mapErrors {
      try await pool.run { connection, deadline in
        try PostgresKeys.prune(olderThan: age, now: time, in: .whole(connection, until: deadline))
      }
    }
  }

  /// Commits what changes nothing, so that whatever a grant would wait for is waited for: rights, disk, standbys.
  func checkHealth() async throws {
    try await address.mapErrors {
      try await health.run { connection, deadline in
        let key = EventKey(eventType: "health", key: UUID().uuidString)
        let transaction = PostgresTransaction.whole(connection, until: deadline)
        try transaction.finish([
          PostgresStatement(
            "INSERT INTO handled_events (event_type, key, content, handled_at) VALUES ($1, $2, '', now())",
            key.eventType,
            key.key),
          PostgresStatement("DELETE FROM handled_events WHERE event_type = $1 AND key = $2", key.eventType, key.key),
          PostgresStatement("SELECT 1 FROM item_types, communities, items, characters, discord_accounts LIMIT 0"),
        ])
      }
    }
  }

  func close() {
    pool.close()
    health.close()
  }

  private func once<Event: RecordedEvent, Outcome: Sendable>(
    _ operation: String, _ events: [KeyedEvent<Event>],
    _ work:
      @escaping @Sendable ([KeyedEvent<Event>], String?, PostgresTransaction) throws -> [Result<
        Handled<Outcome>, any Error
      >]
  ) async throws -> [Result<Handled<Outcome>, any Error>] {
    guard !events.isEmpty else { return [] }
    let time = now.map { $0().ISO8601Format() }
    return try await telemetry.measure(operation, count: events.count, server: { pool.server }) {
      try await address.mapErrors { try await handle(events, at: time, by: work) }
    }
  }

  private func handle<Event: RecordedEvent, Outcome: Sendable>(
    _ events: [KeyedEvent<Event>], at time: String?,
    by work:
      @escaping @Sendable ([KeyedEvent<Event>], String?, PostgresTransaction) throws -> [Result<
        Handled<Outcome>, any Error
      >]
  ) async throws -> [Result<Handled<Outcome>, any Error>] {
    try await pool.run { [address] connection, deadline in
      let whole = PostgresTransaction.whole(connection, until: deadline)
      do {
        return try work(events, time, whole)
      } catch let failure as PostgresFailure where failure.concernsOneEvent {
        try whole.undo()
        guard events.count > 1 else {
          return [.failure(failure.ofEvent(events[0].event, database: address.description))]
        }
        let parts = PostgresParts(connection: connection, deadline: deadline, database: address.description) {
          try work($0, time, $1)
        }
        return try parts.outcomes(of: events)
      }
    }
  }
}

extension PostgresFailure {
  /// What an event is told that was refused alone.
  func ofEvent(_ event: some Sendable, database: String) -> any Error {
    if constraint == PostgresSchema.quantityConstraint, let event = event as? ItemAwarded {
      return EventError.fullStack(of: event.itemTypeId)
    }
    return PrizeStoreError(self, database: database)
  }
}

extension PostgresAddress {
  func mapErrors<Value>(opening: Bool = false, _ body: () async throws -> Value) async throws -> Value {
    do { return try await body() } catch { throw printable(error, opening: opening) }
  }

  /// The error as an operator reads it.
  func printable(_ error: any Error, opening: Bool = false) -> any Error {
    switch error {
    case let failure as PostgresFailure: PrizeStoreError(failure, database: description, opening: opening)
    case is PostgresSchema.NewerSchema: PrizeStoreError.newerVersion(database: description)
    default: error
    }
  }
}
