import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// What two workers do at once, one step at a time: a session of the test's stands for the other worker, and is in the midst of its
/// transaction when the store comes to the same row.
@Suite(.enabled(if: TestPostgres.isRunning), .timeLimit(.minutes(20))) struct PostgresRaceTests {
  /// - Parameters:
  ///   - other: What the other worker has done so far.
  ///   - rest: What it does once the store waits for it; it commits after that.
  private func race<Value: Sendable>(
    _ prizes: Fixture, other: String..., rest: [String] = [], commits: Bool = true,
    _ call: @escaping @Sendable (any PrizeStore) async throws -> Value
  ) async throws -> Result<Value, any Error> {
    let session = try TestSession(prizes.address)
    try session.run(["BEGIN"] + other)
    let store = prizes.store
    let task = Task { await Result { try await call(store) } }
    try await session.waitUntilSomeoneWaits()
    // On a thread of its own: in a deadlock it waits for seconds.
    try await BlockingThreads(limit: 1).run { try session.run(rest + [commits ? "COMMIT" : "ROLLBACK"]) }
    return await task.value
  }

  private let recorded = """
    INSERT INTO handled_events VALUES ('ITEM_AWARDED', '1', '\(ItemAwarded.of(Fixture.coin, 5, to: Fixture.stranger).content)', now())
    """

  @Test func aSecondDeliveryWaitsForTheFirstAndWritesNothing() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let outcome = try await race(prizes, other: recorded) { store in
        try await store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      }
      #expect(try outcome.get() == .alreadyHandled)
      #expect(try prizes.items().isEmpty)
    }
  }

  @Test func aSecondDeliveryGrantsWhatTheFirstDidNot() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let outcome = try await race(prizes, other: recorded, commits: false) { store in
        try await store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      }
      #expect(try outcome.get() == .now(.pending(for: Fixture.stranger)))
      #expect(try prizes.items() == ["pending \(Fixture.stranger) coin 5"])
    }
  }

  @Test func oneKeyWithTwoContentsIsAConflict() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let outcome = try await race(prizes, other: recorded) { store in
        try await store.grant(.of(Fixture.coin, 6, to: Fixture.stranger), as: .item("1"))
      }
      #expect((outcome.failure as? EventError)?.kind == .conflict)
      #expect(try prizes.items().isEmpty)
    }
  }

  /// The account is new, or a prize was pending for it before.
  @Test(arguments: [true, false]) func aGrantWaitsForTheLinkOfItsAccount(isNew: Bool) async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      if !isNew { _ = try await prizes.store.grant(.of(Fixture.sword, to: Fixture.stranger), as: .item("0")) }
      let outcome = try await race(
        prizes,
        other: isNew
          ? "INSERT INTO discord_accounts VALUES ('\(Fixture.stranger)', 'bob')"
          : "UPDATE discord_accounts SET user_id = 'bob' WHERE discord_user_id = '\(Fixture.stranger)'",
        rest: ["UPDATE items SET owner_user_id = 'bob', pending_discord_user_id = NULL"]
      ) { store in
        try await store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      }
      #expect(try outcome.get() == .now(.owned(by: "bob")))
      #expect(try prizes.items() == ["bob coin 5"] + (isNew ? [] : ["bob sword 1"]))
    }
  }

  @Test func anAwardOfACharacterWaitsForTheLinkOfItsAccount() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let outcome = try await race(prizes, other: "INSERT INTO discord_accounts VALUES ('\(Fixture.stranger)', 'bob')")
      { store in
        try await store.transfer(.of(Fixture.mira, to: Fixture.stranger), as: .character("1"))
      }
      #expect(try outcome.get() == .now(.owned(by: "bob")))
    }
  }

  private let pending = [
    "INSERT INTO discord_accounts VALUES ('\(Fixture.stranger)', NULL)",
    """
    INSERT INTO items (item_type_id, pending_discord_user_id, stacks, quantity) VALUES ('coin', '\(Fixture.stranger)', true, 5)
    """,
  ]

  @Test func aLinkWaitsForTheGrantsToItsAccountAndClaimsThem() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let outcome = try await race(prizes, other: pending[0], rest: [pending[1]]) { store in
        try await store.link(AccountLinked(discordUserId: Fixture.stranger, userId: "bob"), as: .link("1"))
      }
      #expect(try outcome.get() == .now(Claim(items: 1)))
      #expect(try prizes.items() == ["bob coin 5"])
    }
  }

  @Test func anImportWaitsForTheGrantsToItsAccountsAndClaimsThem() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let accounts = "accounts: [{ discordUserId: \(Fixture.stranger), userId: bob }]"
      let catalog = try CatalogReader.read(accounts, file: "accounts.yaml")
      let outcome = try await race(prizes, other: pending[0], rest: [pending[1]]) { store in
        try await store.importCatalog(catalog)
      }
      #expect(try outcome.get() == ImportCounts(accounts: 1))
      #expect(try prizes.items() == ["bob coin 5"])
    }
  }

  @Test func twoLinksOfOneAccountGiveItToTheFirst() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let outcome = try await race(prizes, other: "INSERT INTO discord_accounts VALUES ('\(Fixture.stranger)', 'bob')")
      { store in
        try await store.link(AccountLinked(discordUserId: Fixture.stranger, userId: "carol"), as: .link("1"))
      }
      #expect((outcome.failure as? EventError)?.kind == .conflict)
    }
  }

  @Test func twoGrantsThatMakeAStackMakeOne() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let outcome = try await race(
        prizes,
        other: "INSERT INTO items (item_type_id, owner_user_id, stacks, quantity) VALUES ('coin', 'alice', true, 5)"
      ) { store in
        try await store.grant(.of(Fixture.coin, 2, to: Fixture.aliceOnDiscord), as: .item("1"))
      }
      #expect(try outcome.get() == .now(.owned(by: Fixture.alice)))
      #expect(try prizes.items() == ["alice coin 7"])
    }
  }

  /// A link knows what fits before it writes; a stack that another transaction makes meanwhile is not there to be locked.
  @Test func aLinkTakesNoMoreThanFitsAStackThatIsMadeMeanwhile() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      let outcome = try await race(
        prizes,
        other: """
          INSERT INTO items (item_type_id, owner_user_id, stacks, quantity)
          VALUES ('coin', 'alice', true, \(PrizeRules.largestStack - 2))
          """
      ) { store in
        try await store.link(AccountLinked(discordUserId: Fixture.stranger, userId: Fixture.alice), as: .link("1"))
      }
      #expect(try outcome.get() == .now(Claim(items: 1, leftStacks: 1)))
      #expect(
        try prizes.items() == ["alice coin \(PrizeRules.largestStack)", "pending \(Fixture.stranger) coin 3"])
    }
  }

  @Test func twoAwardsOfOneCharacterGiveItToTheFirst() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let outcome = try await race(prizes, other: "UPDATE characters SET owner_user_id = 'alice' WHERE id = 'mira'") {
        store in
        try await store.transfer(.of(Fixture.mira, to: Fixture.stranger), as: .character("1"))
      }
      #expect((outcome.failure as? EventError)?.kind == .conflict)
      #expect(try prizes.handledEvents() == 0)
    }
  }

  @Test func twoImportsTakeTurnsAndGrantsGoOn() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let catalog = try CatalogReader.read(
        Fixture.catalog.replacing("Gold coin", with: "Golden coin"), file: "catalog.yaml")
      let session = try TestSession(prizes.address)
      try session.run([
        "BEGIN", "LOCK TABLE communities IN SHARE ROW EXCLUSIVE MODE",
        "UPDATE item_types SET name = 'Copper coin' WHERE id = 'coin'",
        "UPDATE communities SET name = 'Crew' WHERE id = 'crew'",
      ])
      let store = prizes.store
      let second = Task { try await store.importCatalog(catalog) }
      try await session.waitUntilSomeoneWaits()
      _ = try await store.grant(.of(Fixture.coin, 2, to: Fixture.aliceOnDiscord), as: .item("1"))
      #expect(try prizes.items() == ["alice coin 2"])
      try session.run(["COMMIT"])
      _ = try await second.value
      #expect(try prizes.rows("SELECT name FROM item_types WHERE id = 'coin'") == ["Golden coin"])
    }
  }

  /// Each sees what the other has made: an item type that came meanwhile belongs to its community.
  @Test func anImportBesideAnotherSeesWhatThatOneMade() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let catalog = try CatalogReader.read(
        """
        communities:
          - id: others
            discordGuildId: "222222222222222222"
            name: The Others
            itemTypes: [{ id: ruby, name: Ruby, stackable: true }]
        """, file: "catalog.yaml")
      let outcome = try await race(
        prizes, other: "LOCK TABLE communities IN SHARE ROW EXCLUSIVE MODE",
        "INSERT INTO item_types (id, community_id, name, stackable) VALUES ('ruby', 'crew', 'Ruby', true)"
      ) { store in try await store.importCatalog(catalog) }
      #expect(outcome.failure is CatalogError, "\(outcome)")
      #expect(try prizes.rows("SELECT community_id FROM item_types WHERE id = 'ruby'") == ["crew"])
    }
  }

  /// What did not fit a stack is claimed by one of them.
  @Test func anImportWaitsForALinkThatClaimsWhatWasLeft() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 1, to: Fixture.aliceOnDiscord), as: .item("1"))
      try prizes.execute(
        "INSERT INTO items (item_type_id, pending_discord_user_id, stacks, quantity) VALUES ('coin', '456', true, 5)")
      let catalog = try CatalogReader.read("accounts: [{ discordUserId: 456, userId: alice }]", file: "accounts.yaml")
      let outcome = try await race(
        prizes, other: "SELECT 1 FROM discord_accounts WHERE discord_user_id = '456' FOR NO KEY UPDATE",
        "UPDATE items SET quantity = 6 WHERE owner_user_id = 'alice'",
        "DELETE FROM items WHERE pending_discord_user_id = '456'"
      ) { store in try await store.importCatalog(catalog) }
      _ = try outcome.get()
      #expect(try prizes.items() == ["alice coin 6"])
    }
  }

  /// The server chooses the store's transaction to end: the test's session does not look for deadlocks.
  ///
  /// The store's session looks once, when it has waited for its timeout. By then the other must wait as well, or nobody ever
  /// sees the deadlock: the usual second is too short for a busy machine, and a statement may take ten.
  @Test func aDeadlockCostsNoEvent() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      for account in ["1", "2"] as [DiscordUserID] {
        _ = try await prizes.store.grant(.of(Fixture.sword, to: account), as: .item("sword \(account)"))
      }
      let schema = try prizes.rows("SELECT current_schema()")[0]
      let patient = try TestPostgres.address(
        "options=-csearch_path%3D\(schema)%20-cdeadlock_timeout%3D7s&application_name=\(schema)")
      let store = try await PostgresPrizeStore(patient, limit: .seconds(120))
      let outcome = try await race(
        prizes, other: "SET LOCAL deadlock_timeout = '1h'",
        "SELECT 1 FROM discord_accounts WHERE discord_user_id = '2' FOR UPDATE",
        rest: ["SELECT 1 FROM discord_accounts WHERE discord_user_id = '1' FOR UPDATE"]
      ) { _ in
        try await store.grant(
          BatchTests.batch([("1", .of(Fixture.coin, 1, to: "1")), ("2", .of(Fixture.coin, 1, to: "2"))]))
      }
      #expect(BatchTests.words(try outcome.get()) == ["pending", "pending"])
      #expect(try prizes.rows("SELECT sum(quantity) FROM items WHERE item_type_id = 'coin'") == ["2"])
      store.close()
    }
  }

  /// Batches that share accounts, stacks, characters and keys, each in an order of its own.
  @Test func manyWritersLoseAndDoubleNothing() async throws {
    try await Fixture.with(.postgresql) { (prizes) async throws in
      let stores = [prizes.store, try await prizes.another(), try await prizes.another()]
      let users = (1...6).map { DiscordUserID.valid("\($0)") }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (number, store) in stores.enumerated() {
          group.addTask {
            for round in 0..<8 {
              // Each event comes to each store.
              let events = users.flatMap { user in
                [Fixture.coin, Fixture.sword].map { ("\(round) \(user) \($0)", ItemAwarded.of($0, 1, to: user)) }
              }.shuffled()
              for outcome in try await store.grant(BatchTests.batch(events)) { _ = try outcome.get() }
              let link = AccountLinked(
                discordUserId: users[(round + number) % 6], userId: round % 2 == 0 ? "bob" : "carol")
              _ = try? await store.link(link, as: .link("\(number) \(round)"))
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(
        try prizes.rows("SELECT item_type_id, sum(quantity) FROM items GROUP BY 1 ORDER BY 1") == [
          "coin 48", "sword 48",
        ])
      let stranded = "SELECT 1 FROM items JOIN linked_accounts ON discord_user_id = pending_discord_user_id"
      #expect(try prizes.rows(stranded).isEmpty)
      for store in stores { store.close() }
    }
  }
}
