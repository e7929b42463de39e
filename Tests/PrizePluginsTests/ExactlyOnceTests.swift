import Foundation
import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct ExactlyOnceTests {
  @Test func writesNothingForARedelivery() async throws {
    try await Fixture.with { (prizes) async throws in
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

  @Test func survivesReopening() async throws {
    try await Fixture.with { (prizes) async throws in
      let event = ItemAwarded.of(Fixture.sword, to: Fixture.stranger)
      _ = try await prizes.store.grant(event, as: .item("1"))
      let reopened = try await SQLitePrizeStore(path: prizes.path)
      #expect(try await reopened.grant(event, as: .item("1")) == .alreadyHandled)
    }
  }

  @Test func tellsAReusedKeyFromARedelivery() async throws {
    try await Fixture.with { (prizes) async throws in
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

  @Test func recordsWhatWasHandledAndWhen() async throws {
    try await Fixture.with { (prizes) async throws in
      let store = try await SQLitePrizeStore(path: prizes.path, now: { Date(timeIntervalSince1970: 0) })
      _ = try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
      #expect(
        try prizes.rows("SELECT * FROM handled_events") == [
          #"ITEM_AWARDED 1 {"discordGuildId":"123456789012345678","discordUserId":"987654321098765432","#
            + #""itemTypeId":"coin","quantity":1} 1970-01-01T00:00:00Z"#
        ])
    }
  }

  /// As two processes would: two stores with connections of their own.
  @Test func grantsOnceWhenTwoStoresAreGivenTheSameEventsAtOnce() async throws {
    try await Fixture.with { (prizes) async throws in
      let stores = [prizes.store, try await SQLitePrizeStore(path: prizes.path)]
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

  @Test func losesNothingWhenLinkingRacesWithGrants() async throws {
    try await Fixture.with { (prizes) async throws in
      let stores = [prizes.store, try await SQLitePrizeStore(path: prizes.path)]
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

  @Test func writesNothingOnceCancelled() async throws {
    try await Fixture.with { (prizes) async throws in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
      }
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(try prizes.items().isEmpty)
      #expect(try prizes.handledEvents() == 0)
    }
  }
}
