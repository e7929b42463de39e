import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// Several events in one transaction.
@Suite struct BatchTests {
  typealias Granted = [Result<Handled<Holder>, any Error>]

  static func batch(_ events: [(String, ItemAwarded)]) -> [KeyedEvent<ItemAwarded>] {
    events.map { KeyedEvent($0.1, key: .item($0.0)) }
  }

  /// "alice", "pending", "already", or the kind of the error.
  static func words(_ outcomes: Granted) -> [String] {
    outcomes.map { outcome in
      switch outcome {
      case .success(.now(.owned(let user))): user.rawValue
      case .success(.now(.pending)): "pending"
      case .success(.alreadyHandled): "already"
      case .failure(let error): ((error as? any ClassifiedError)?.kind.rawValue) ?? "\(error)"
      }
    }
  }

  @Test(arguments: StoreKind.all) func undoesTheEventThatFailsAndNoOther(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let outcomes = try await prizes.store.grant(
        Self.batch([
          ("1", .of(Fixture.coin, 2, to: Fixture.aliceOnDiscord)),
          ("2", .of("nothing", to: Fixture.aliceOnDiscord)),
          ("3", .of(Fixture.sword, 1_001, to: Fixture.aliceOnDiscord)),
          ("4", .of(Fixture.coin, 3, to: Fixture.stranger)),
          ("5", .of(Fixture.coin, 4, to: Fixture.aliceOnDiscord)),
        ]))
      #expect(Self.words(outcomes) == ["alice", "notFound", "validation", "pending", "alice"])
      #expect(try prizes.items() == ["alice coin 6", "pending \(Fixture.stranger) coin 3"])
      // The keys of those that failed are free: set right, they can be granted.
      #expect(try prizes.rows("SELECT key FROM handled_events ORDER BY key") == ["1", "4", "5"])
    }
  }

  @Test(arguments: StoreKind.all) func grantsOnceWhatIsTwiceInOneBatch(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let outcomes = try await prizes.store.grant(
        Self.batch([
          ("1", .of(Fixture.coin, 2, to: Fixture.aliceOnDiscord)),
          ("1", .of(Fixture.coin, 2, to: Fixture.aliceOnDiscord)),
          ("1", .of(Fixture.coin, 3, to: Fixture.aliceOnDiscord)),
          // The first of these fails, and so the second is the first.
          ("2", .of("nothing", to: Fixture.stranger)),
          ("2", .of(Fixture.coin, 1, to: Fixture.stranger)),
          ("2", .of(Fixture.coin, 1, to: Fixture.stranger)),
        ]))
      #expect(Self.words(outcomes) == ["alice", "already", "conflict", "notFound", "pending", "already"])
      #expect(try prizes.items() == ["alice coin 2", "pending \(Fixture.stranger) coin 1"])
    }
  }

  @Test(arguments: StoreKind.all) func givesACharacterToTheFirstOfABatch(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let outcomes = try await prizes.store.transfer(
        [("1", Fixture.stranger), ("2", Fixture.aliceOnDiscord)].map {
          KeyedEvent(.of(Fixture.mira, to: $0.1), key: .character($0.0))
        })
      #expect(Self.words(outcomes) == ["pending", "conflict"])
    }
  }

  /// A message that the database chokes on must not take its batch with it again and again.
  @Test(arguments: StoreKind.all) func failsAloneWhereTheDatabaseRefusesOneEvent(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      try prizes.refuseThirteen(.atOnce)
      let outcomes = try await prizes.store.grant(
        Self.batch([
          ("1", .of(Fixture.coin, 13, to: Fixture.stranger)), ("2", .of(Fixture.coin, 1, to: Fixture.aliceOnDiscord)),
        ]))
      #expect(Self.words(outcomes) == ["unexpected", "alice"])
      #expect((outcomes[0].failure as? PrizeStoreError)?.message.contains("out of order") == true)
      #expect(try prizes.items() == ["alice coin 1"])
      #expect(try prizes.handledEvents() == 1)
    }
  }

  @Test(arguments: StoreKind.all) func failsAsAWholeWhereTheCommitFails(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      try prizes.refuseThirteen(.atTheCommit)
      let error = await #expect(throws: PrizeStoreError.self) {
        _ = try await prizes.store.grant(
          Self.batch([
            ("1", .of(Fixture.coin, 13, to: Fixture.aliceOnDiscord)), ("2", .of(Fixture.coin, 1, to: Fixture.stranger)),
          ]))
      }
      #expect(error?.message.localizedCaseInsensitiveContains("foreign key") == true)
      #expect(try prizes.items().isEmpty)
      #expect(try prizes.handledEvents() == 0)
    }
  }

  /// Whatever a sequence of events does one by one, it does in batches.
  @Test(arguments: StoreKind.all, [1, 2, SeededGenerator.drawnSeed])
  func doesWhatOneByOneDoes(_ store: StoreKind, seed: UInt64) async throws {
    var random = SeededGenerator(seed: seed)
    let events = (0..<200).map { _ in
      (
        "\(Int.random(in: 0..<120, using: &random))",
        ItemAwarded.of(
          [Fixture.coin, Fixture.sword, Fixture.foreignCoin][Int.random(in: 0..<3, using: &random)],
          .valid(.random(in: 1...3, using: &random)),
          to: Bool.random(using: &random) ? Fixture.aliceOnDiscord : Fixture.stranger)
      )
    }
    var expected: [String] = []
    var items: [String] = []
    try await Fixture.with(store) { (prizes) async throws in
      for event in events { expected += Self.words(try await prizes.store.grant(Self.batch([event]))) }
      items = try prizes.items()
    }
    try await Fixture.with(store) { (prizes) async throws in
      var outcomes: [String] = []
      var rest = events[...]
      while !rest.isEmpty {
        let batch = rest.prefix(.random(in: 1...30, using: &random))
        rest = rest.dropFirst(batch.count)
        outcomes += Self.words(try await prizes.store.grant(Self.batch(Array(batch))))
      }
      #expect(outcomes == expected, "seed \(seed)")
      #expect(try prizes.items() == items, "seed \(seed)")
    }
  }

  /// A failure inside a transaction is the store's, undoes all of it, and does not outlast its cause.
  @Test(arguments: StoreKind.all) func undoesAllWhenTheDatabaseFails(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      try prizes.refuseThirteen(.atOnce)
      let error = await #expect(throws: PrizeStoreError.self) {
        try await prizes.store.grant(.of(Fixture.coin, 13, to: Fixture.stranger), as: .item("1"))
      }
      #expect(error?.kind == .unexpected)
      #expect(error?.message.contains("out of order") == true)
      #expect(try prizes.handledEvents() == 0)
      try prizes.acceptThirteen()
      #expect(
        try await prizes.store.grant(.of(Fixture.coin, 13, to: Fixture.stranger), as: .item("1"))
          == .now(.pending(for: Fixture.stranger)))
    }
  }

  @Test(arguments: StoreKind.all) func linksInOneBatch(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 5, to: "1"), as: .item("1"))
      _ = try await prizes.store.grant(.of(Fixture.coin, 6, to: "2"), as: .item("2"))
      _ = try await prizes.store.grant(.of(Fixture.sword, 2, to: "2"), as: .item("3"))
      _ = try await prizes.store.transfer(.of(Fixture.mira, to: "2"), as: .character("1"))
      let events: [(String, DiscordUserID, Identifier)] = [
        ("1", "1", "bob"), ("2", "1", "carol"), ("3", "2", "bob"), ("4", "1", "bob"), ("3", "2", "bob"),
      ]
      let outcomes = try await prizes.store.link(
        events.map { KeyedEvent(AccountLinked(discordUserId: $0.1, userId: $0.2), key: .link($0.0)) })
      #expect(
        outcomes.map { try? $0.get() } == [
          .now(Claim(items: 1)), nil, .now(Claim(items: 3, characters: 1)), .now(Claim()), .alreadyHandled,
        ])
      #expect((outcomes[1].failure as? EventError)?.kind == .conflict)
      #expect(try prizes.items() == ["bob coin 11", "bob sword 1", "bob sword 1"])
      #expect(try prizes.handledEvents() == 7)
    }
  }

  @Test(arguments: StoreKind.all) func handlesAnEmptyBatch(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      #expect(try await prizes.store.grant([]).isEmpty)
    }
  }

  /// One stack that is full does not keep the others of its batch out.
  @Test(arguments: StoreKind.all) func refusesAloneWhatOverfillsAStack(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 1, to: Fixture.stranger), as: .item("0"))
      try prizes.execute("UPDATE items SET quantity = \(PrizeRules.largestStack - 3)")
      let outcomes = try await prizes.store.grant(
        Self.batch([
          ("1", .of(Fixture.coin, 2, to: Fixture.stranger)), ("2", .of(Fixture.coin, 2, to: Fixture.stranger)),
          ("3", .of(Fixture.coin, 1, to: Fixture.stranger)), ("4", .of(Fixture.coin, 1, to: Fixture.aliceOnDiscord)),
        ]))
      #expect(Self.words(outcomes) == ["pending", "conflict", "pending", "alice"])
      #expect(
        try prizes.items() == ["alice coin 1", "pending \(Fixture.stranger) coin \(PrizeRules.largestStack)"])
    }
  }
}
