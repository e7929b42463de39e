import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// What the ledger says of what was done.
@Suite struct LedgerTests {
  /// A line each, the oldest first: "granted alice coin 5 by ITEM_AWARDED 1".
  private func lines(_ holdings: Holdings) -> [String] {
    (holdings.history ?? []).reversed().map { entry in
      let prize = entry.itemTypeId ?? entry.characterId
      return "\(entry.change.rawValue) \(entry.userId?.rawValue ?? "-") \(prize?.rawValue ?? "-") \(entry.quantity) "
        + "\(entry.communityId?.rawValue ?? "-") by \(entry.event.map { "\($0.eventType) \($0.key)" } ?? "import")"
    }
  }

  @Test(arguments: StoreKind.all) func hasALineForEachChange(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let stranger = Fixture.stranger
      _ = try await prizes.store.grant(
        BatchTests.batch([
          ("1", .of(Fixture.coin, 5, to: stranger)), ("2", .of(Fixture.sword, 2, to: stranger)),
          ("3", .of("nothing", to: stranger)), ("1", .of(Fixture.coin, 5, to: stranger)),
          ("4", .of(Fixture.coin, 7, to: Fixture.aliceOnDiscord)),
        ]))
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: stranger), as: .item("1"))
      _ = try await prizes.store.transfer(.of(Fixture.mira, to: stranger), as: .character("1"))
      let waiting = try await prizes.database.holdings(of: .valid(stranger.rawValue), withHistory: true)
      #expect(
        lines(waiting) == [
          "pending - coin 5 crew by ITEM_AWARDED 1", "pending - sword 2 crew by ITEM_AWARDED 2",
          "pending - mira 1 crew by CHARACTER_AWARDED 1",
        ])
      _ = try await prizes.store.link(AccountLinked(discordUserId: stranger, userId: "bob"), as: .link("1"))
      _ = try await prizes.store.link(AccountLinked(discordUserId: stranger, userId: "bob"), as: .link("1"))
      let claimed = try await prizes.database.holdings(of: "bob", withHistory: true)
      #expect(
        Set(lines(claimed))
          == Set(lines(waiting)).union([
            "claimed bob coin 5 crew by ACCOUNT_LINKED 1", "claimed bob sword 2 crew by ACCOUNT_LINKED 1",
            "claimed bob mira 1 - by ACCOUNT_LINKED 1",
          ]))
      let alice = try await prizes.database.holdings(of: Fixture.alice, withHistory: true)
      #expect(lines(alice) == ["granted alice coin 7 crew by ITEM_AWARDED 4"])
      #expect(try await prizes.database.holdings(of: Fixture.alice).history == nil)
    }
  }

  @Test(arguments: StoreKind.all) func namesAnImportThatClaims(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 3, to: Fixture.stranger), as: .item("1"))
      let accounts = "accounts: [{ discordUserId: \(Fixture.stranger), userId: bob }]"
      _ = try await prizes.store.importCatalog(CatalogReader.read(accounts, file: "accounts.yaml"))
      let holdings = try await prizes.database.holdings(of: "bob", withHistory: true)
      #expect(lines(holdings).last == "claimed bob coin 3 crew by import")
      let report = prizes.report(holdings)
      #expect(report.contains("History, the latest first:\n"))
      #expect(report.contains("  claimed  3 × coin  to bob  by an import"))
      #expect(try CanonicalJSON.text(of: holdings).contains(#""history":[{"at":"2"#))
    }
  }

  @Test(arguments: StoreKind.all) func saysWhenItWas(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let another = try await prizes.another(now: { Date(timeIntervalSince1970: 0) })
      _ = try await another.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
      let holdings = try await prizes.database.holdings(of: .valid(Fixture.stranger.rawValue), withHistory: true)
      #expect(holdings.history?.map(\.at) == ["1970-01-01T00:00:00Z"])
    }
  }

  /// What a partly full stack could not take stays pending, in the ledger as well.
  @Test(arguments: StoreKind.all) func addsUpToWhatIsHeld(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      var random = SeededGenerator(seed: 7)
      for step in 0..<150 {
        do {
          switch Model.Event.random(using: &random) {
          case .item(let event): _ = try await prizes.store.grant(event, as: .item("\(step)"))
          case .character(let event): _ = try await prizes.store.transfer(event, as: .character("\(step)"))
          case .link(let event): _ = try await prizes.store.link(event, as: .link("\(step)"))
          }
        } catch is EventError {
          // Wrote nothing.
        }
      }
      let owned =
        "SELECT owner_user_id, item_type_id, CAST(sum(quantity) AS bigint) FROM items WHERE owner_user_id IS NOT NULL"
      let noted = "SELECT user_id, item_type_id, CAST(sum(quantity) AS bigint) FROM ledger WHERE user_id IS NOT NULL"
      #expect(
        try prizes.rows("\(owned) GROUP BY 1, 2 ORDER BY 1, 2")
          == prizes.rows("\(noted) AND item_type_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"))
      let characters = "SELECT id, owner_user_id FROM characters WHERE owner_user_id IS NOT NULL ORDER BY 1"
      #expect(
        try prizes.rows(characters)
          == prizes.rows(
            "SELECT character_id, user_id FROM ledger WHERE character_id IS NOT NULL AND user_id IS NOT NULL ORDER BY 1"
          ))
    }
  }
}
