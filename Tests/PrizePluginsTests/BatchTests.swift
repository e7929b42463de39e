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

  @Test func undoesTheEventThatFailsAndNoOther() async throws {
    try await Fixture.with { (prizes) async throws in
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

  @Test func grantsOnceWhatIsTwiceInOneBatch() async throws {
    try await Fixture.with { (prizes) async throws in
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

  @Test func givesACharacterToTheFirstOfABatch() async throws {
    try await Fixture.with { (prizes) async throws in
      let outcomes = try await prizes.store.transfer(
        [("1", Fixture.stranger), ("2", Fixture.aliceOnDiscord)].map {
          KeyedEvent(.of(Fixture.mira, to: $0.1), key: .character($0.0))
        })
      #expect(Self.words(outcomes) == ["pending", "conflict"])
    }
  }

  /// A message that the database chokes on must not take its batch with it again and again.
  @Test func failsAloneWhereTheDatabaseRefusesOneEvent() async throws {
    try await Fixture.with { (prizes) async throws in
      try prizes.execute(
        """
        CREATE TRIGGER broken BEFORE INSERT ON items WHEN NEW.quantity = 13
        BEGIN SELECT raise(ABORT, 'out of order'); END
        """)
      let outcomes = try await prizes.store.grant(
        Self.batch([
          ("1", .of(Fixture.coin, 13, to: Fixture.stranger)), ("2", .of(Fixture.coin, 1, to: Fixture.stranger)),
        ]))
      #expect(Self.words(outcomes) == ["unexpected", "pending"])
      #expect((outcomes[0].failure as? PrizeStoreError)?.message.contains("out of order") == true)
      #expect(try prizes.items() == ["pending \(Fixture.stranger) coin 1"])
      #expect(try prizes.handledEvents() == 1)
    }
  }

  @Test func failsAsAWholeWhereTheTransactionIsGivenUp() async throws {
    try await Fixture.with { (prizes) async throws in
      try prizes.execute(
        """
        CREATE TRIGGER broken BEFORE INSERT ON items WHEN NEW.quantity = 13
        BEGIN SELECT raise(ROLLBACK, 'out of order'); END
        """)
      await #expect(throws: PrizeStoreError.self) {
        _ = try await prizes.store.grant(
          Self.batch([
            ("1", .of(Fixture.coin, 1, to: Fixture.stranger)), ("2", .of(Fixture.coin, 13, to: Fixture.stranger)),
            ("3", .of(Fixture.coin, 1, to: Fixture.stranger)),
          ]))
      }
      #expect(try prizes.items().isEmpty)
      #expect(try prizes.handledEvents() == 0)
    }
  }

  @Test func failsAsAWholeWhereTheCommitFails() async throws {
    try await Fixture.with { (prizes) async throws in
      // Checked at the commit, and not before.
      try prizes.execute(
        """
        CREATE TABLE promises (id INTEGER PRIMARY KEY, kept INTEGER NOT NULL
          REFERENCES communities (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER broken AFTER INSERT ON items WHEN NEW.quantity = 13
        BEGIN INSERT INTO promises (kept) VALUES (1); END
        """)
      let error = await #expect(throws: PrizeStoreError.self) {
        _ = try await prizes.store.grant(
          Self.batch([
            ("1", .of(Fixture.coin, 13, to: Fixture.aliceOnDiscord)), ("2", .of(Fixture.coin, 1, to: Fixture.stranger)),
          ]))
      }
      #expect(error?.message.contains("FOREIGN KEY") == true)
      #expect(try prizes.items().isEmpty)
      #expect(try prizes.handledEvents() == 0)
    }
  }

  @Test func failsAsAWholeWhereTheFileWasMoved() async throws {
    try await Fixture.with { (prizes) async throws in
      try FileManager.default.moveItem(atPath: prizes.path, toPath: prizes.path + ".moved")
      let error = await #expect(throws: PrizeStoreError.self) {
        _ = try await prizes.store.grant(
          Self.batch([
            ("1", .of(Fixture.coin, to: Fixture.stranger)), ("2", .of("nothing", to: Fixture.stranger)),
          ]))
      }
      #expect(error?.kind == .unavailable)
    }
  }

  /// Whatever a sequence of events does one by one, it does in batches.
  @Test(arguments: [1, 2, .random(in: .min ... .max)])
  func doesWhatOneByOneDoes(seed: UInt64) async throws {
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
    try await Fixture.with { (prizes) async throws in
      for event in events { expected += Self.words(try await prizes.store.grant(Self.batch([event]))) }
      items = try prizes.items()
    }
    try await Fixture.with { (prizes) async throws in
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
}
