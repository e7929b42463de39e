import ArgumentParser
import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// `prizes copy`, between each two kinds of store.
@Suite struct CopyTests {
  private static let pairs = StoreKind.all.flatMap { from in StoreKind.all.map { (from, $0) } }

  /// Everything of a database but when it was granted to the fraction of a second.
  private func dump(_ database: PrizeDatabase) throws -> [String] {
    let any = Fixture(database: database, store: NoStore())
    let time =
      database.description.hasPrefix("sqlite")
      ? "handled_at" : "to_char(handled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    return try [
      "SELECT id, discord_guild_id, name FROM communities ORDER BY 1",
      "SELECT id, community_id, name, CAST(stackable AS int) FROM item_types ORDER BY 1",
      "SELECT discord_user_id, user_id FROM linked_accounts ORDER BY 1",
      "SELECT id, name, owner_user_id, pending_discord_user_id FROM characters ORDER BY 1",
      "SELECT id, item_type_id, owner_user_id, pending_discord_user_id, CAST(stacks AS int), quantity FROM items ORDER BY 1",
      "SELECT event_type, key, content, \(time) FROM handled_events ORDER BY 1, 2",
      """
      SELECT id, \(time.replacing("handled_at", with: "at")), change, discord_user_id, user_id, community_id, item_type_id,
        character_id, quantity, event_type, key FROM ledger ORDER BY 1
      """,
    ].flatMap { try any.rows($0) }
  }

  private func fill(_ prizes: Fixture) async throws {
    var random = SeededGenerator(seed: 11)
    for step in 0..<60 {
      do {
        switch Model.Event.random(using: &random) {
        case .item(let event): _ = try await prizes.store.grant(event, as: .item("\(step) ☃\\\",{}"))
        case .character(let event): _ = try await prizes.store.transfer(event, as: .character("\(step)"))
        case .link(let event): _ = try await prizes.store.link(event, as: .link("\(step)"))
        }
      } catch is EventError {
        // Wrote nothing.
      }
    }
  }

  private func withTwo(
    _ kinds: (from: StoreKind, to: StoreKind), _ body: (Fixture, PrizeDatabase) async throws -> Void
  ) async throws {
    try await Fixture.with(kinds.from) { (prizes) async throws in
      try await fill(prizes)
      try await Fixture.withEmpty(kinds.to) { target in try await body(prizes, target) }
    }
  }

  @Test(arguments: pairs) func copiesEverything(_ from: StoreKind, _ to: StoreKind) async throws {
    try await withTwo((from, to)) { (prizes, target) async throws in
      let copied = try await prizes.database.copy(to: target) { _ in }
      #expect(copied.counts.map(\.table) == CopyTable.all.map(\.name) && !copied.sourceHasChanged)
      let rows = try dump(prizes.database).map { $0.replacing("NULL", with: "") }
      #expect(try dump(target).map { $0.replacing("NULL", with: "") } == rows)
      #expect(copied.counts.map(\.rows).reduce(0, +) == rows.count)
      // Grants go on, and what was handled is known.
      let store = try await target.open()
      _ = try await store.grant(.of(Fixture.sword, 2, to: Fixture.stranger), as: .item("another"))
      let again = try await store.grant(.of(Fixture.sword, 2, to: Fixture.stranger), as: .item("another"))
      #expect(again == .alreadyHandled)
      store.close()
      #expect(try dump(target).count == rows.count + 4)
      await #expect {
        _ = try await prizes.database.copy(to: target) { _ in }
      } throws: {
        "\($0)".contains("its table communities has rows; name a database that has no prizes")
      }
    }
  }

  /// A copy that ended in the midst: its target says so, no worker starts on it, and it goes on where it was.
  @Test(arguments: pairs) func goesOnWhereItWas(_ from: StoreKind, _ to: StoreKind) async throws {
    try await withTwo((from, to)) { (prizes, target) async throws in
      let killed = Killed(after: 5)
      await #expect(throws: Killed.self) {
        _ = try await prizes.database.copy(to: target, interrupting: killed)
      }
      await #expect {
        _ = try await target.open()
      } throws: {
        "\($0)".contains("has not finished; run `worker prizes copy` again")
      }
      let lines = Record<String>()
      _ = try await prizes.database.copy(to: target) { lines.add($0) }
      #expect(lines.all.contains { $0.hasPrefix("communities: 2 of 2 rows") }, "\(lines.all)")
      #expect(try dump(target).count == dump(prizes.database).count)
    }
  }

  @Test(arguments: pairs) func beginsAnewWhereTheSourceHasChanged(_ from: StoreKind, _ to: StoreKind) async throws {
    try await withTwo((from, to)) { (prizes, target) async throws in
      await #expect(throws: Killed.self) {
        _ = try await prizes.database.copy(to: target, interrupting: Killed(after: 5))
      }
      try prizes.execute("UPDATE communities SET name = 'The Krew' WHERE id = 'crew'")
      let lines = Record<String>()
      _ = try await prizes.database.copy(to: target) { lines.add($0) }
      #expect(lines.all.contains { $0.hasSuffix("has changed since the copy began: it begins anew") })
      #expect(try dump(target).count == dump(prizes.database).count)
      #expect(try dump(target).contains { $0.hasSuffix("The Krew") })
    }
  }

  @Test(arguments: StoreKind.all) func saysWhatDiffers(_ to: StoreKind) async throws {
    try await withTwo((.sqlite, to)) { (prizes, target) async throws in
      await #expect(throws: Killed.self) {
        _ = try await prizes.database.copy(to: target, interrupting: Killed(after: 7))
      }
      // As something else would that writes there meanwhile.
      try Fixture(database: target, store: NoStore()).execute("UPDATE items SET quantity = quantity + 7 WHERE stacks")
      let error = await #expect(throws: PrizeStoreError.self) {
        _ = try await prizes.database.copy(to: target) { _ in }
      }
      #expect(error?.message.contains("the copy is not like its source: items, sum of quantity: ") == true)
      await #expect(throws: PrizeStoreError.self) { _ = try await target.open() }
    }
  }

  /// One state of the source, whatever is granted meanwhile, and a word about that.
  @Test(arguments: StoreKind.all) func noticesASourceThatIsInUse(_ from: StoreKind) async throws {
    try await withTwo((from, .sqlite)) { (prizes, target) async throws in
      let before = try dump(prizes.database).count
      let copied = try await prizes.database.copy(to: target) { line in
        guard line.hasPrefix("communities") else { return }
        try? prizes.execute(
          """
          INSERT INTO handled_events (event_type, key, content, handled_at) VALUES ('X', 'y', '', '2026-01-01T00:00:00Z')
          """)
      }
      #expect(copied.sourceHasChanged)
      #expect(try dump(target).count == before)
      #expect(try dump(prizes.database).count == before + 1)
    }
  }

  @Test(arguments: [
    ["copy"], ["copy", "--from", "prizes.db"], ["copy", "--to", "postgres://w:s3/cret@db/prizes"],
    ["copy", "--from", "sqlite:a.db", "--to", "postgres://w:s%zzcret@db/p"],
  ])
  func refusesWithoutShowingAPassword(_ arguments: [String]) {
    do {
      _ = try PrizesCommand.parseAsRoot(arguments)
      Issue.record("\(arguments) was accepted")
    } catch {
      let shown = PrizesCommand.fullMessage(for: error)
      #expect(shown.contains("--from") && !shown.contains("cret"), "\(shown)")
    }
  }
}

/// What ends a copy after so many batches.
private struct Killed: Error {
  var after: Int
}

/// A target whose process is killed after so many batches.
private final class KilledTarget: CopyTarget {
  let target: any CopyTarget
  var left: Int

  init(_ target: any CopyTarget, after: Int) {
    self.target = target
    left = after
  }

  func begin(from source: String) throws -> [String: CopyProgress] { try target.begin(from: source) }
  func clear() throws { try target.clear() }
  func totals(of table: CopyTable) throws -> [String] { try target.totals(of: table) }

  func finish() throws { throw Killed(after: 0) }

  func append(_ rows: [[String?]], to table: CopyTable, from old: CopyProgress, to new: CopyProgress) throws {
    guard left > 0 else { throw Killed(after: 0) }
    left -= 1
    try target.append(rows, to: table, from: old, to: new)
  }
}

extension PrizeDatabase {
  fileprivate func copy(to target: PrizeDatabase, interrupting killed: Killed) async throws {
    try await target.prepareForCopy()
    try await BlockingThreads(limit: 1).run { [self] in
      try withCopySource { source in
        try target.withCopyTarget { writer in
          _ = try PrizeCopy(
            source: source, target: KilledTarget(writer, after: killed.after), sourceName: "\(self)",
            targetName: "\(target)", report: { _ in }
          ).run()
        }
      }
    }
  }
}

/// For a fixture that looks at a database alone.
private struct NoStore: PrizeStore {
  func grant(_ events: [KeyedEvent<ItemAwarded>]) async throws -> [Result<Handled<Holder>, any Error>] { [] }
  func transfer(_ events: [KeyedEvent<CharacterAwarded>]) async throws -> [Result<Handled<Holder>, any Error>] { [] }
  func link(_ events: [KeyedEvent<AccountLinked>]) async throws -> [Result<Handled<Claim>, any Error>] { [] }
  func importCatalog(_ catalog: Catalog) async throws -> ImportCounts { throw CancellationError() }
  func holdings(of id: Identifier, withHistory: Bool) async throws -> Holdings { Holdings(id: id) }
  func report(_ request: PrizeReport.Request) async throws -> PrizeReport { PrizeReport(request: request) }
  func pruneKeys(olderThan age: Duration) async throws -> KeyPruning.Step { .othersTurn }
  func checkHealth() async throws {}
  func close() {}
}
