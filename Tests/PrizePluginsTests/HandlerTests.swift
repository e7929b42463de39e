import InMemoryTracing
import Logging
import Testing
import Tracing
import WorkerKit

@testable import PrizePlugins

@Suite struct HandlerTests {
  @Test(arguments: StoreKind.all) func reportsWhatBecameOfEachEvent(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let log = RecordedLog()
      let item = ItemPrizeHandler(store: prizes.store)
      let character = CharacterPrizeHandler(store: prizes.store)
      let link = AccountLinkHandler(store: prizes.store)

      for user in [Fixture.aliceOnDiscord, Fixture.stranger] {
        try await item.handle(
          .of(Fixture.coin, 2, to: user), context: .test("ITEM_AWARDED", id: "item \(user)", logger: log.logger))
      }
      for _ in 1...2 {
        try await character.handle(
          .of(Fixture.mira, to: Fixture.stranger), context: .test("CHARACTER_AWARDED", logger: log.logger))
      }
      for _ in 1...2 {
        try await link.handle(
          AccountLinked(discordUserId: Fixture.stranger, userId: "bob"),
          context: .test("ACCOUNT_LINKED", logger: log.logger))
      }

      #expect(
        log.lines == [
          "info: prize is owned itemTypeId=coin quantity=2",
          "info: prize waits until the account is linked itemTypeId=coin quantity=2",
          "info: prize waits until the account is linked characterId=mira",
          "info: event was already handled",
          "info: account is linked claimedCharacters=1 claimedItems=1",
          "info: event was already handled",
        ])
      #expect(
        try prizes.rows("SELECT event_type, key FROM handled_events ORDER BY event_type, key") == [
          "ACCOUNT_LINKED message:m1", "CHARACTER_AWARDED message:m1", "ITEM_AWARDED message:item 456",
          "ITEM_AWARDED message:item 987654321098765432",
        ])
    }
  }

  @Test(arguments: StoreKind.all) func reportsWhatDoesNotFitTheStacksOfALinkedUser(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      for (key, user) in [("1", Fixture.aliceOnDiscord), ("2", Fixture.stranger)] {
        _ = try await prizes.store.grant(.of(Fixture.coin, to: user), as: .item(key))
      }
      try prizes.execute("UPDATE items SET quantity = \(PrizeRules.largestStack)")
      let log = RecordedLog()
      let tracer = InMemoryTracer()
      try await withTracer(tracer) {
        try await AccountLinkHandler(store: prizes.store).handle(
          AccountLinked(discordUserId: Fixture.stranger, userId: Fixture.alice),
          context: .test("ACCOUNT_LINKED", logger: log.logger))
      }
      #expect(
        log.lines == [
          "info: account is linked claimedCharacters=0 claimedItems=0",
          "warning: items stay pending for a linked account because the user's stacks are full; check for a producer that "
            + "awards too much largestStack=9007199254740991 leftStacks=1",
        ])
      #expect(
        tracer.finishedSpans.compactMap { $0.attributes.get("prize.outcome") } == [.string("linkedInPart")])
    }
  }

  @Test(arguments: StoreKind.all) func tracesEachHandler(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let tracer = InMemoryTracer()
      try await withTracer(tracer) {
        let character = CharacterPrizeHandler(store: prizes.store)
        try await ItemPrizeHandler(store: prizes.store)
          .handle(.of(Fixture.coin, to: Fixture.stranger), context: .test("ITEM_AWARDED"))
        try await character
          .handle(.of(Fixture.mira, to: Fixture.aliceOnDiscord), context: .test("CHARACTER_AWARDED"))
        try await AccountLinkHandler(store: prizes.store)
          .handle(AccountLinked(discordUserId: Fixture.stranger, userId: "bob"), context: .test("ACCOUNT_LINKED"))
        await expectEventError(.notFound, field: "characterId") {
          try await character.handle(.of("nobody", to: Fixture.stranger), context: .test("CHARACTER_AWARDED", id: "m2"))
        }
      }

      let (transactions, spans) = tracer.finishedSpans.partitioned { $0.kind == .internal }
      #expect(
        transactions.map(\.operationName) == ["grant prizes", "transfer prizes", "link prizes", "transfer prizes"])
      #expect(transactions.map(\.kind) == [.client, .client, .client, .client])
      #expect(
        transactions.map { $0.attributes.get("db.system.name") } == Array(repeating: .string(store.rawValue), count: 4))
      // What one event got wrong is no failure of the transaction.
      #expect(transactions.map { $0.attributes.get("error.type") } == [nil, nil, nil, nil])
      #expect(transactions.map(\.spanContext.parentSpanID) == spans.map(\.spanContext.spanID))
      #expect(
        spans.map(\.operationName) == [
          "handle_item_prize", "handle_character_prize", "handle_account_link", "handle_character_prize",
        ])
      #expect(
        spans.map { $0.attributes.get("prize.outcome") } == [
          .string("pending"), .string("owned"), .string("linked"), nil,
        ])
      #expect(spans.map(\.errors.count) == [0, 0, 0, 1])
    }
  }
}

extension Array {
  /// The elements that do not meet a condition, and those that do, each in order.
  fileprivate func partitioned(by condition: (Element) -> Bool) -> (Self, Self) {
    (filter { !condition($0) }, filter(condition))
  }
}

/// What was logged, a line each.
final class RecordedLog: Sendable {
  private let recorded = AsyncValue<[String]>([])

  var lines: [String] { recorded.value }

  var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

  private struct Handler: LogHandler {
    let log: RecordedLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
      log.recorded.update { $0.append("\(event.level): \(event.message)\(fields.joined())") }
    }
  }
}
