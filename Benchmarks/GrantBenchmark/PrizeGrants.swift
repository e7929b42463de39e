import Foundation
import Logging
import PrizePlugins
import WorkerKit

/// The worker's handler of `ITEM_AWARDED`, with its transaction. Messages are decoded before, each in its own task.
struct PrizeGrants: Contender {
  let name = "prizes.item"

  private let handler: ItemPrizeHandler
  private let database: BareSQLite.Connection
  private let quietLogger = Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() })

  init(file: URL) async throws {
    let configuration = try await Self.prepare(file)
    handler = try await PrizePlugin(configuration: configuration).makeItemHandler()
    database = try BareSQLite.Connection(file)
  }

  /// Makes a prize database with the demo's catalog.
  static func prepare(_ file: URL) async throws -> ConfigurationValues {
    guard let path = PrizeDatabase(configurationText: "sqlite:\(file.path)") else {
      throw BenchmarkError("not a database path: \(file.path)")
    }
    var configuration = ConfigurationValues()
    configuration[PrizePlugin.database] = path
    try await PrizePlugin.prepareDemo(configuration)
    return configuration
  }

  func grant(number: Int) throws -> EventDelivery<ItemAwarded> {
    let body = """
      {"eventType":"ITEM_AWARDED","discordGuildId":"123456789012345678","discordUserId":"\(1_000 + number % 1_000)",\
      "itemTypeId":"cluid123abc","quantity":1}
      """
    return EventDelivery(
      try EventDecoder.decode(ItemAwarded.self, from: Array(body.utf8)),
      context: HandlerContext(eventType: "ITEM_AWARDED", messageID: UUID().uuidString, logger: quietLogger))
  }

  func commit(_ grants: [EventDelivery<ItemAwarded>]) async throws {
    for outcome in try await handler.handle(grants) { try outcome.get() }
  }

  func check(count: Int) throws {
    let granted = try database.number("SELECT sum(quantity) FROM items")
    let handled = try database.number("SELECT count(*) FROM handled_events")
    guard granted == count, handled == count else {
      throw BenchmarkError("\(count) events, but \(granted) items and \(handled) keys")
    }
  }
}
