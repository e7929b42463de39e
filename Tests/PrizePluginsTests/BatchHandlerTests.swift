import InMemoryTracing
import Logging
import TestSupport
import Testing
import Tracing
import WorkerKit
import WorkerTesting

@testable import PrizePlugins

/// Batches through the handlers, from the outside in.
@Suite struct BatchHandlerTests {
  @Test(arguments: StoreKind.all) func reportsEachEventOfABatchInItsOwnTrace(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let log = RecordedLog()
      let tracer = InMemoryTracer()
      let batch = try await withTracer(tracer) {
        let handler = ItemPrizeHandler(store: prizes.store)
        let deliveries = [(Fixture.coin, "1"), ("nothing", "2"), (Fixture.sword, "3")].map { item, id in
          withSpan("message \(id)") { span in
            EventDelivery(
              ItemAwarded.of(item, to: Fixture.stranger),
              context: .test("ITEM_AWARDED", id: id, logger: log.logger), traceContext: span.context)
          }
        }
        return try await withSpan("batch") { span in
          let outcomes = try await handler.handle(deliveries)
          #expect(outcomes.map { ($0.failure as? EventError)?.kind } == [nil, .notFound, nil])
          return span.context.inMemorySpanContext
        }
      }
      #expect(
        log.lines == [
          "info: prize waits until the account is linked itemTypeId=coin quantity=1",
          "info: prize waits until the account is linked itemTypeId=sword quantity=1",
        ])
      let spans = Dictionary(grouping: tracer.finishedSpans, by: \.operationName)
      let handled = spans["handle_item_prize", default: []]
      #expect(
        handled.map(\.spanContext.parentSpanID)
          == ["1", "2", "3"].map { spans["message \($0)"]?[0].spanContext.spanID })
      #expect(
        handled.map { $0.attributes.get("prize.outcome") } == [.string("pending"), nil, .string("pending")])
      #expect(handled.map(\.errors.count) == [0, 1, 0])
      #expect(
        handled.map { $0.links.map(\.context.inMemorySpanContext?.spanID) }
          == Array(repeating: [batch?.spanID], count: 3))
      let transaction = try #require(spans["grant prizes"]?.first)
      #expect(transaction.spanContext.parentSpanID == batch?.spanID)
      #expect(transaction.attributes.get("db.operation.batch.size") == .int64(3))
    }
  }

  /// The whole way: from a queue to the database.
  @Test(arguments: StoreKind.all) func oneBadMessageOfManyIsDeadLetteredAlone(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let deadLetters = InMemoryQueue("prizes-dlq")
      let queue = InMemoryQueue("prizes", redrive: .init(to: deadLetters))
      for number in 0..<100 {
        let item = number == 50 ? "nothing" : "coin"
        queue.put(
          OutgoingMessage(
            body: """
              {"eventType": "ITEM_AWARDED", "discordGuildId": "\(Fixture.guild)", "discordUserId": "456", \
              "itemTypeId": "\(item)"}
              """))
      }
      var configuration = QueueConsumer.Configuration()
      configuration.stopsWhenEmpty = true
      configuration.waitTime = .zero
      configuration.concurrency = 50
      let consumer = QueueConsumer(
        queue: queue,
        table: RoutingTable(routes: [
          Route(eventType: "ITEM_AWARDED", handlerName: "prizes.item", handler: ItemPrizeHandler(store: prizes.store))
        ]),
        configuration: configuration, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
      try await consumer.run()
      #expect(try prizes.items() == ["alice coin 99"])
      #expect(try prizes.handledEvents() == 99)
      #expect(queue.messages.isEmpty)
      let failed = deadLetters.messages
      #expect(failed.count == 1)
      #expect(failed.first?.attributes["WorkerFailure"]?.stringValue?.contains("notFound") == true)
    }
  }

  /// As a plugin's author would test it.
  @Test(arguments: StoreKind.all) func deliversABatchToAHandler(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let outcomes = try await deliver(
        ["coin", "nothing", "sword"].map {
          #"{"discordGuildId":"\#(Fixture.guild)","discordUserId":"456","itemTypeId":"\#($0)"}"#
        } + ["{}"], to: ItemPrizeHandler(store: prizes.store))
      let errors = outcomes.map { $0.failure as? EventError }
      #expect(errors.map(\.?.kind) == [nil, .notFound, nil, .validation])
      #expect(try prizes.items() == ["alice coin 1", "alice sword 1"])
    }
  }
}
