import Foundation
import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct ExactlyOnceTests {
  @Test(arguments: StoreKind.all) func writesNothingForARedelivery(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let item = ItemAwarded.of(Fixture.coin, 5, to: Fixture.stranger)
      let character = CharacterAwarded.of(Fixture.mira, to: Fixture.stranger)
      let link = AccountLinked(discordUserId: Fixture.stranger, userId: "bob")
      _ = try await prizes.store.grant(item, as: .item("1"))
      _ = try await prizes.store.transfer(character, as: .character("1"))
      _ = try await prizes.store.link(link, as: .link("1"))
      let items = try prizes.items()

      // Though the character has an owner by now, and the community is gone from the event's guild.
      try prizes.execute("UPDATE communities SET discord_guild_id = '1' WHERE id = 'crew'")
      #expect(try await prizes.store.grant(item, as: .item("1")) == .alreadyHandled)
      #expect(try await prizes.store.transfer(character, as: .character("1")) == .alreadyHandled)
      #expect(try await prizes.store.link(link, as: .link("1")) == .alreadyHandled)
      #expect(try prizes.items() == items)
      #expect(try prizes.handledEvents() == 3)
    }
  }

  @Test(arguments: StoreKind.all) func survivesReopening(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let event = ItemAwarded.of(Fixture.sword, to: Fixture.stranger)
      _ = try await prizes.store.grant(event, as: .item("1"))
      let reopened = try await prizes.another()
      #expect(try await reopened.grant(event, as: .item("1")) == .alreadyHandled)
    }
  }

  @Test(arguments: StoreKind.all) func tellsAReusedKeyFromARedelivery(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: Fixture.stranger), as: .item("1"))
      await expectEventError(.conflict, saying: "reused an IdempotencyKey") {
        _ = try await prizes.store.grant(.of(Fixture.coin, 6, to: Fixture.stranger), as: .item("1"))
      }
      #expect(try prizes.items() == ["pending \(Fixture.stranger) coin 5"])
      // Of another type of event, a key is another key.
      #expect(
        try await prizes.store.transfer(.of(Fixture.mira, to: Fixture.stranger), as: .character("1"))
          == .now(.pending(for: Fixture.stranger)))
    }
  }

  @Test(arguments: StoreKind.all) func recordsWhatWasHandledAndWhen(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let another = try await prizes.another(now: { Date(timeIntervalSince1970: 0) })
      _ = try await another.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
      let time =
        store == .sqlite ? "handled_at" : "to_char(handled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
      #expect(
        try prizes.rows("SELECT event_type, key, content, \(time) FROM handled_events") == [
          #"ITEM_AWARDED 1 {"discordGuildId":"123456789012345678","discordUserId":"987654321098765432","#
            + #""itemTypeId":"coin","quantity":1} 1970-01-01T00:00:00Z"#
        ])
    }
  }

  /// As two processes would: two stores with connections of their own.
  @Test(arguments: StoreKind.all) func grantsOnceWhenTwoStoresAreGivenTheSameEventsAtOnce(_ store: StoreKind)
    async throws
  {
    try await Fixture.with(store) { (prizes) async throws in
      let stores = [prizes.store, try await prizes.another()]
      let outcomes = try await withThrowingTaskGroup(of: Handled<Holder>.self) { group in
        for delivery in 0..<40 {
          group.addTask {
            try await stores[delivery % 2].grant(
              .of(Fixture.coin, 3, to: Fixture.aliceOnDiscord), as: .item("\(delivery / 2)"))
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(outcomes.count { $0 == .alreadyHandled } == 20)
      #expect(outcomes.count { $0 == .now(.owned(by: Fixture.alice)) } == 20)
      #expect(try prizes.items() == ["alice coin 60"])
    }
  }

  @Test(arguments: StoreKind.all) func losesNothingWhenLinkingRacesWithGrants(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let stores = [prizes.store, try await prizes.another()]
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<30 {
          group.addTask {
            _ = try await stores[number % 2].grant(.of(Fixture.coin, 1, to: Fixture.stranger), as: .item("\(number)"))
          }
          if number == 15 {
            group.addTask {
              _ = try await stores[0].link(
                AccountLinked(discordUserId: Fixture.stranger, userId: "bob"), as: .link("1"))
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try prizes.items() == ["bob coin 30"])
    }
  }

  @Test(arguments: StoreKind.all) func writesNothingOnceCancelled(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
      }
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(try prizes.items().isEmpty)
      #expect(try prizes.handledEvents() == 0)
    }
  }

  /// Swift calls these two texts equal, and databases do not.
  @Test(arguments: StoreKind.all) func tellsTextsApartByTheirBytes(_ store: StoreKind) async throws {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
    #expect(composed == decomposed)
    try await Fixture.with(store) { (prizes) async throws in
      // Keys.
      let outcomes = try await prizes.store.grant(
        [composed, decomposed].map { KeyedEvent(.of(Fixture.coin, to: Fixture.stranger), key: .item($0)) })
      #expect(BatchTests.words(outcomes) == ["pending", "pending"])
      #expect(
        try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item(decomposed)) == .alreadyHandled)
      #expect(try prizes.items() == ["pending \(Fixture.stranger) coin 2"])
      // Users: an account that is linked to one of them is not linked to the other.
      _ = try await prizes.store.link(
        AccountLinked(discordUserId: "1", userId: .valid(composed)), as: .link("1"))
      await expectEventError(.conflict, field: "userId") {
        _ = try await prizes.store.link(
          AccountLinked(discordUserId: "1", userId: .valid(decomposed)), as: .link("2"))
      }
      // The contents of events.
      await expectEventError(.conflict, saying: "reused an IdempotencyKey") {
        _ = try await prizes.store.link(
          AccountLinked(discordUserId: "1", userId: .valid(decomposed)), as: .link("1"))
      }
    }
  }
}
