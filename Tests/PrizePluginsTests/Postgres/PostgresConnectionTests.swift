import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// What becomes of calls whose connection, or whose server, does not do as it should.
@Suite(.enabled(if: TestPostgres.isRunning), .timeLimit(.minutes(20))) struct PostgresConnectionTests {
  private let lock = "SELECT 1 FROM discord_accounts WHERE discord_user_id = '\(Fixture.stranger)' FOR UPDATE"

  /// Runs `body` while another session has the row of an account that nobody has linked.
  private func withLockedAccount(
    _ body: (Fixture, TestSession) async throws -> Void
  ) async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.sword, to: Fixture.stranger), as: .item("0"))
      let session = try TestSession(prizes.address)
      try session.run(["BEGIN", lock])
      try await body(prizes, session)
    }
  }

  private func waiting(_ prizes: Fixture) throws -> [String] {
    try prizes.rows(
      """
      SELECT pid FROM pg_stat_activity WHERE application_name = current_schema() AND wait_event_type = 'Lock'
      """)
  }

  @Test func aCancelledCallEndsAtOnceAndItsStatementWithIt() async throws {
    try await withLockedAccount { prizes, session in
      let store = try await PostgresPrizeStore(prizes.address, limit: .seconds(3_600))
      let call = Task { try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1")) }
      try await session.waitUntilSomeoneWaits()
      call.cancel()
      await #expect(throws: CancellationError.self) { try await call.value }
      while try !waiting(prizes).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      try session.run(["COMMIT"])
      #expect(try prizes.handledEvents() == 1)
      // The connection is as good as before.
      #expect(
        try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
          == .now(.pending(for: Fixture.stranger)))
      store.close()
    }
  }

  @Test func aCallEndsAtItsLimit() async throws {
    try await withLockedAccount { prizes, session in
      // Long enough to connect, and in the end to grant: where that takes longer, it is another error.
      let store = try await PostgresPrizeStore(prizes.address, limit: .seconds(6))
      let error = await #expect(throws: PrizeStoreError.self) {
        try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
      }
      #expect(error?.kind == .timeout)
      #expect(error?.message.contains("look for transactions that hold locks for long") == true)
      try session.run(["COMMIT"])
      #expect(
        try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
          == .now(.pending(for: Fixture.stranger)))
      store.close()
    }
  }

  @Test func callsBeyondTheLimitOfConnectionsWaitForTheirTurn() async throws {
    try await withLockedAccount { prizes, session in
      let store = try await PostgresPrizeStore(prizes.address, connections: 2, limit: .seconds(3_600))
      let calls = (1...8).map { number in
        Task { try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("\(number)")) }
      }
      while try waiting(prizes).count < 2 { try await Task.sleep(for: .milliseconds(5)) }
      // The check of health has a connection of its own.
      try await store.checkHealth()
      #expect(try waiting(prizes).count == 2)
      try session.run(["COMMIT"])
      for call in calls { _ = try await call.value }
      #expect(try prizes.rows("SELECT sum(quantity) FROM items WHERE item_type_id = 'coin'") == ["8"])
      store.close()
    }
  }

  /// As a restart or a failover between two calls leaves them.
  @Test func connectionsThatWereCutCostNoCall() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      for number in 1...3 {
        _ = try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("\(number)"))
        try await prizes.store.checkHealth()
        _ = try prizes.rows(
          """
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = current_schema() AND pid <> pg_backend_pid()
          """)
      }
      #expect(
        try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("3")) == .alreadyHandled)
    }
  }

  @Test func aTransactionThatIsCutBeginsAgain() async throws {
    try await withLockedAccount { prizes, session in
      let store = prizes.store
      let call = Task { try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1")) }
      try await session.waitUntilSomeoneWaits()
      let first = try waiting(prizes)
      _ = try prizes.rows("SELECT pg_terminate_backend(\(first[0]))")
      // Another connection waits for the lock in its stead.
      var second = first
      while second.isEmpty || second == first {
        try await Task.sleep(for: .milliseconds(5))
        second = try waiting(prizes)
      }
      try session.run(["COMMIT"])
      #expect(try await call.value == .now(.pending(for: Fixture.stranger)))
      #expect(try prizes.rows("SELECT quantity FROM items WHERE item_type_id = 'coin'") == ["1"])
    }
  }

  @Test func namesAServerThatDoesNotAnswer() async throws {
    let address = try #require(PostgresAddress(uri: "postgres://worker:s3cret@127.0.0.1:1/prizes"))
    let error = await #expect(throws: PrizeStoreError.self) { try await PostgresPrizeStore(address) }
    #expect(error?.kind == .unavailable)
    #expect(error?.message.hasPrefix("cannot open the prize database: postgres://127.0.0.1:1/prizes: ") == true)
    #expect(error?.message.contains("check that the server runs") == true)
    #expect(error?.message.contains("s3cret") == false)
  }

  @Test func namesADatabaseThatDoesNotExist() async throws {
    let uri = try #require(TestPostgres.uri).replacing("/postgres", with: "/nothing")
    let address = try #require(PostgresAddress(uri: uri))
    let error = await #expect(throws: PrizeStoreError.self) { try await PostgresPrizeStore(address) }
    #expect(error?.kind == .unavailable)
    #expect(error?.message.contains("create that database") == true)
    #expect(
      await PostgresDiagnosis(address: address, keyAge: .seconds(90 * 86_400)).findings().map(\.status) == [.wrong])
  }

  @Test func refusesTablesOfANewerVersion() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      try prizes.execute("INSERT INTO prize_schema (version) VALUES (999)")
      let error = await #expect(throws: PrizeStoreError.self) { try await PostgresPrizeStore(prizes.address) }
      #expect(error?.message.contains("made by a newer version") == true)
      #expect(await prizes.database.findings().map(\.status) == [.wrong])
    }
  }

  /// The role that docs/prizes.md gives to workers grants, and makes no tables.
  @Test func grantsWithTheRightsOfAWorkersRole() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let schema = try prizes.rows("SELECT current_schema()")[0]
      let role = "role_\(schema)"
      for sql in ["CREATE ROLE \(role) LOGIN", "GRANT USAGE ON SCHEMA \(schema) TO \(role)"]
        + PostgresSchema.grants(to: role)
      {
        try prizes.execute(sql)
      }
      let uri = try #require(TestPostgres.uri).replacing("worker@", with: "\(role)@")
      let database = try #require(
        PrizeDatabase(configurationText: "\(uri)?options=-csearch_path%3D\(schema)&application_name=\(schema)"))
      let store = try await database.open()
      #expect(
        try await store.grant(.of(Fixture.coin, to: Fixture.aliceOnDiscord), as: .item("1"))
          == .now(.owned(by: Fixture.alice)))
      #expect(
        try await store.transfer(.of(Fixture.mira, to: Fixture.stranger), as: .character("1"))
          == .now(.pending(for: Fixture.stranger)))
      #expect(
        try await store.link(AccountLinked(discordUserId: Fixture.stranger, userId: "bob"), as: .link("1"))
          == .now(Claim(characters: 1)))
      try await store.checkHealth()
      let good = await database.findings()
      #expect(good.allSatisfy { $0.status == .ok })
      #expect(good[0].message.contains(" answers, without TLS, as a primary; "), "\(good[0])")
      // The server tells its time before the rest of its answer, which may take long.
      #expect(
        good[0].message.contains(/connections are left, and its clock differs from this machine's by \d s$/),
        "\(good[0])")

      // The ledger is append-only.
      guard case .postgres(let address) = database.location else { return }
      for change in ["UPDATE ledger SET quantity = 0", "DELETE FROM ledger", "TRUNCATE ledger"] {
        let failure = #expect(throws: PostgresFailure.self) { try TestPostgres.run(change, on: address) }
        #expect(failure?.state == "42501", "\(change)")
      }

      try prizes.execute("REVOKE UPDATE ON items FROM \(role)")
      let error = await #expect(throws: PrizeStoreError.self) {
        try await store.grant(.of(Fixture.coin, to: Fixture.aliceOnDiscord), as: .item("2"))
      }
      #expect(error?.kind == .unavailable)
      let findings = await database.findings()
      #expect(
        findings.contains { $0.status == .wrong && $0.remedy.contains { $0.contains("UPDATE ON items") } },
        "\(findings)")
      store.close()
      try prizes.execute("DROP OWNED BY \(role)")
      try prizes.execute("DROP ROLE \(role)")
    }
  }

  @Test func keepsNothingOfATransactionInItsSession() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let connection = try PostgresConnection(prizes.address)
      let deadline = ContinuousClock.now + .seconds(60)
      let settings = [
        PostgresStatement("SHOW synchronous_commit"), PostgresStatement("SHOW statement_timeout"),
        PostgresStatement("SHOW idle_in_transaction_session_timeout"),
      ]
      let before = try connection.run(settings, until: deadline).map(\.rows)
      let transaction = PostgresTransaction.whole(connection, until: deadline)
      let inside = try transaction.run(settings).map(\.rows)
      try transaction.finish()
      #expect(inside.map { $0[0][0] } == ["on", "10s", "5s"])
      #expect(try connection.run(settings, until: deadline).map(\.rows) == before)
    }
  }

  @Test func commitsDurablyWhereTheServerIsSetUpNotTo() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let schema = try prizes.rows("SELECT current_schema()")[0]
      for (setting, inside) in [("off", "on"), ("remote_apply", "remote_apply"), ("local", "local")] {
        let uri = try #require(TestPostgres.uri)
        let address = try #require(
          PostgresAddress(uri: "\(uri)?options=-csearch_path%3D\(schema)%20-csynchronous_commit%3D\(setting)"))
        let transaction = PostgresTransaction.whole(try PostgresConnection(address), until: .now + .seconds(60))
        #expect(try transaction.run([PostgresStatement("SHOW synchronous_commit")])[0].rows == [[inside]])
      }
    }
  }

  /// More than a socket takes at once, both ways.
  @Test func sendsAndReadsMoreThanFitsTheSockets() async throws {
    let connection = try PostgresConnection(try TestPostgres.address())
    let text = String(repeating: "x", count: 1_000_000)
    let statements = (0..<20).map { _ in PostgresStatement("SELECT $1::text", text) }
    let results = try connection.run(statements, until: .now + .seconds(60))
    #expect(results.allSatisfy { $0.rows == [[text]] })
    #expect(throws: PostgresFailure.self) {
      try connection.run([PostgresStatement("SELECT $1::text", "a\0b")], until: .now + .seconds(60))
    }
  }

  /// The commit that recorded an event may still wait for a standby when the event comes again. A commit waits for those before it only
  /// where it has something to write, such as a lock.
  @Test func aRedeliveryIsReportedWhenItsRecordIsAsDurableAsAGrant() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let event = ItemAwarded.of(Fixture.coin, to: Fixture.aliceOnDiscord)
      _ = try await prizes.store.grant(event, as: .item("1"))
      #expect(try prizes.rows("SELECT xmax FROM handled_events") == ["0"])
      #expect(try await prizes.store.grant(event, as: .item("1")) == .alreadyHandled)
      #expect(try prizes.rows("SELECT xmax FROM handled_events") != ["0"])
    }
  }
}
