import Foundation
import Logging
import TestSupport
import Testing
import WorkerKit
import WorkerTesting

@testable import PrizePlugins

/// How keys of handled events are forgotten.
@Suite struct KeyPruningTests {
  private static let age = Duration.seconds(90 * 86_400)

  /// Writes keys as a worker did so many days ago.
  private func addKeys(_ count: Int, daysAgo days: Int, named name: String, to prizes: Fixture) throws {
    let time = Date(timeIntervalSinceNow: -Double(days) * 86_400).ISO8601Format()
    try prizes.execute(
      """
      INSERT INTO handled_events (event_type, key, content, handled_at)
      SELECT 'ITEM_AWARDED', '\(name) ' || i, '{}', '\(time)' FROM
        (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count)) SELECT i FROM n) AS s
      """)
  }

  private func pruning(_ store: any PrizeStore) -> KeyPruning {
    KeyPruning(store: store, age: Self.age, logger: quietLogger)
  }

  @Test(arguments: StoreKind.all) func forgetsOldKeysAndNothingElse(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      try addKeys(KeyPruning.step + 3, daysAgo: 91, named: "old", to: prizes)
      try addKeys(2, daysAgo: 89, named: "young", to: prizes)
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      #expect(try await pruning(prizes.store).round() == KeyPruning.step + 3)
      #expect(try prizes.rows("SELECT key FROM handled_events ORDER BY key") == ["1", "young 1", "young 2"])
      #expect(try prizes.rows("SELECT count(*) FROM ledger") == ["1"])
      #expect(try await pruning(prizes.store).round() == 0)
    }
  }

  /// What the documentation says of a key: after `keepHandledEvents` it stands for a new event.
  @Test(arguments: StoreKind.all) func anEventWhoseKeyIsForgottenIsNew(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let old = try await prizes.another(now: { Date(timeIntervalSinceNow: -91 * 86_400) })
      _ = try await old.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      old.close()
      #expect(
        try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1")) == .alreadyHandled)
      #expect(try await pruning(prizes.store).round() == 1)
      _ = try await prizes.store.grant(.of(Fixture.coin, 2, to: Fixture.stranger), as: .item("1"))
      #expect(try prizes.items() == ["pending \(Fixture.stranger) coin 7"])
      #expect(try prizes.rows("SELECT quantity FROM ledger ORDER BY id") == ["5", "2"])
    }
  }

  @Test(arguments: StoreKind.all) func prunesAtTheStartAndGoesOn(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let clock = ManualClock()
      var pruning = pruning(prizes.store)
      pruning.clock = WorkerClock(clock)
      try addKeys(1, daysAgo: 91, named: "old", to: prizes)
      let running = Task { [pruning] in try await pruning.run() }
      try await clock.advanceToNextSleeper(among: 1)
      #expect(try prizes.handledEvents() == 0)
      try addKeys(1, daysAgo: 91, named: "older", to: prizes)
      for _ in 1...2 { try await clock.advanceToNextSleeper(among: 1) }
      #expect(try prizes.handledEvents() == 0)
      running.cancel()
      await #expect(throws: CancellationError.self) { try await running.value }
    }
  }

  @Test(.enabled(if: TestPostgres.isRunning)) func oneWorkerPrunesAtATime() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      try addKeys(3, daysAgo: 91, named: "old", to: prizes)
      let session = try TestSession(prizes.address)
      try session.run(["BEGIN", "SELECT pg_advisory_xact_lock(1886546299, hashtext(current_schema()))"])
      #expect(try await prizes.store.pruneKeys(olderThan: Self.age) == .othersTurn)
      try session.run(["COMMIT", "BEGIN", "SELECT 1 FROM handled_events WHERE key = 'old 2' FOR KEY SHARE"])
      // A delivery looks at one of them now.
      #expect(try await prizes.store.pruneKeys(olderThan: Self.age) == .pruned(2))
      try session.run(["COMMIT"])
      #expect(try await prizes.store.pruneKeys(olderThan: Self.age) == .pruned(1))
    }
  }

  @Test(arguments: StoreKind.all) func theDoctorNoticesKeysThatNobodyPrunes(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      func findings() async -> String {
        await prizes.database.findings(keepingKeysFor: Self.age).map(\.message).joined(separator: "\n")
      }
      try addKeys(1, daysAgo: 90, named: "old", to: prizes)
      #expect(await !findings().contains("keepHandledEvents"))
      try addKeys(1, daysAgo: 120, named: "older", to: prizes)
      #expect(
        await findings().contains("the oldest key of a handled event is 120 days old, and keepHandledEvents is 90 days")
      )
    }
  }

  @Test(arguments: ["28d", "1h", "0s"]) func refusesWhatIsShorterThanAMessageCanLive(_ text: String) {
    let error = #expect(throws: ConfigurationValueError.self) { try PrizePlugin.keepHandledEvents.read(.text(text)) }
    #expect(
      error?.problems.first?.message.contains("must be more than 28d, for a message may be in its queue for 14 days")
        == true)
  }

  @Test func keepsNinetyDaysByDefault() throws {
    #expect(ConfigurationValues()[PrizePlugin.keepHandledEvents] == Self.age)
    #expect(try PrizePlugin.keepHandledEvents.read(.text("29d")) as? Duration == .seconds(29 * 86_400))
  }
}
