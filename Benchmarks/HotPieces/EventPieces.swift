import Logging
import PrizePlugins
import WorkerKit
import WorkerLocks

extension HotPiece {
  static let routeAndDecode = HotPiece(
    name: "route-and-decode", summary: "finds an ITEM_AWARDED's route, and decodes and validates the event"
  ) { surroundings in
    let processor = consumer(table: idle, in: surroundings).processor
    let message = Event.message(1)
    return .synchronous {
      let routing = processor.routing(of: message)
      _ = try routing.get()
      _ = try EventDecoder.decode(ItemAwarded.self, from: routing.body)
    }
  }

  static let process = HotPiece(
    name: "process", summary: "takes an ITEM_AWARDED through the standard middleware to a handler that does nothing"
  ) { surroundings in
    let processor = consumer(table: idle, in: surroundings).processor
    let message = Event.message(1)
    return .asynchronous {
      try check(await processor.process(message).isHandled, "the handler takes every event")
    }
  }

  static let grant = HotPiece(
    name: "grant", summary: "the same to prizes.item, which grants an item in SQLite"
  ) { surroundings in
    let file = try RoutesFile(
      yaml: """
        version: 1
        queues: { prizes: { url: "https://sqs.us-east-1.amazonaws.com/123456789012/prizes" } }
        plugins: { prizes: { database: "sqlite:\(surroundings.folder)/prizes.db" } }
        routes: { ITEM_AWARDED: { handler: prizes.item } }
        """, plugins: [PrizePlugin.self])
    try await PrizePlugin.prepareDemo(file.configuration(of: PrizePlugin.self))
    let processor = consumer(table: try await file.makeRoutingTable(), in: surroundings).processor
    let count = Mutex(0)
    return .asynchronous {
      let number = count.withLock { count in
        count += 1
        return count
      }
      try check(await processor.process(Event.message(number)).isHandled, "every item can be granted")
    }
  }

  /// To a handler that does nothing with its event.
  static let idle = RoutingTable(routes: [
    Route(eventType: Event.type, handlerName: "pieces.idle", handler: IdleHandler())
  ])

  /// As `worker run` makes it, on a queue without a network.
  static func consumer(
    table: RoutingTable, in surroundings: Surroundings, queue: PromptQueue = PromptQueue(),
    configuration: QueueConsumer.Configuration = QueueConsumer.Configuration()
  ) -> QueueConsumer {
    QueueConsumer(
      queue: queue, table: table, configuration: configuration, clock: surroundings.clock,
      logger: Logger(label: "pieces", factory: { _ in DroppingLogHandler() }))
  }
}

extension Settlement {
  var isHandled: Bool {
    if case .delete = self { true } else { false }
  }
}

struct IdleHandler: EventHandler {
  func handle(_ event: ItemAwarded, context: HandlerContext) async throws {}
}

/// Takes what `worker run` logs at its level, info, and writes it nowhere: what is said is made, and not formatted.
struct DroppingLogHandler: LogHandler {
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {}
}
