import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// What no message waits for may take longer than a grant.
@Suite(.enabled(if: TestPostgres.isRunning), .timeLimit(.minutes(20))) struct PostgresLongCallTests {
  /// Runs `call` while a session holds `lock`, until a grant of the same store has ended at its limit of six seconds. Both
  /// have to connect within it.
  private func outlastsAGrant<Value: Sendable>(
    _ lock: String, _ call: @escaping @Sendable (PostgresPrizeStore) async throws -> Value
  ) async throws -> Value {
    var value: Value?
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let store = try await PostgresPrizeStore(prizes.address, limit: .seconds(6))
      let session = try TestSession(prizes.address)
      try session.run(["BEGIN", lock])
      let long = Task { try await call(store) }
      try await session.waitUntilSomeoneWaits()
      let error = await #expect(throws: PrizeStoreError.self) {
        try await store.grant(.of(Fixture.coin, to: Fixture.aliceOnDiscord), as: .item("1"))
      }
      #expect(error?.kind == .timeout)
      try session.run(["COMMIT"])
      value = try await long.value
      store.close()
    }
    return try #require(value)
  }

  @Test func anImportDoes() async throws {
    let counts = try await outlastsAGrant("LOCK TABLE ledger, discord_accounts IN ACCESS EXCLUSIVE MODE") { store in
      try await store.importCatalog(CatalogReader.read(Fixture.catalog, file: "catalog.yaml"))
    }
    #expect(counts.communities == 2)
  }

  @Test func holdingsDo() async throws {
    let holdings = try await outlastsAGrant("LOCK TABLE discord_accounts, handled_events IN ACCESS EXCLUSIVE MODE") {
      try await $0.holdings(of: Fixture.alice, withHistory: true)
    }
    #expect(holdings.userId == Fixture.alice)
  }

  @Test func aReportDoes() async throws {
    let report = try await outlastsAGrant("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE") {
      try await $0.report(PrizeReport.Request(grouping: .day))
    }
    #expect(report.request.grouping == .day)
  }

  @Test func theServersStatementTimeoutIsAsLong() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      for transaction in [
        PostgresTransaction.long(try PostgresConnection(prizes.address)),
        .reading(try PostgresConnection(prizes.address)),
      ] {
        #expect(try transaction.run([PostgresStatement("SHOW statement_timeout")])[0].rows == [["10min"]])
      }
    }
  }

  /// Another worker, which was first, makes an index of a large table.
  @Test func migrationsWaitLongerThanTheRolesStatementTimeout() async throws {
    try await TestPostgres.withSchema { database in
      guard case .postgres(let address) = database.location else { return }
      let schema = try #require(try TestPostgres.run("SELECT current_schema()", on: address)[0][0])
      let session = try TestSession(address)
      try session.run(["BEGIN", "SELECT pg_advisory_xact_lock(1886546298, hashtext('\(schema)'))"])
      // Long enough for each of the statements before and after the migration, which have the role's timeout.
      let impatient = try TestPostgres.address(
        "options=-csearch_path%3D\(schema)%20-cstatement_timeout%3D4000&application_name=\(schema)")
      let opening = Task { try await PostgresPrizeStore(impatient) }
      try await session.waitUntilSomeoneWaits()
      try await Task.sleep(for: .seconds(5))
      try session.run(["COMMIT"])
      let store = try await opening.value
      try await store.checkHealth()
      store.close()
    }
  }
}
