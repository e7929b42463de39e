import Foundation
import Logging
import PrizePlugins
import WorkerKit

/// The worker's handler of `ITEM_AWARDED`, with its transaction. Messages are decoded before, each in its own task.
struct PrizeGrants: Contender {
  let name: String

  private let handler: ItemPrizeHandler
  /// nil where it is not SQLite's.
  private let database: BareSQLite.Connection?
  private let quietLogger = Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() })

  /// - Parameter uri: Of a database on PostgreSQL that has nothing, or what this made.
  init(postgres uri: String) async throws {
    name = "on PostgreSQL"
    handler = try await PrizePlugin(configuration: Self.prepare(database: uri)).makeItemHandler()
    database = nil
  }

  init(file: URL) async throws {
    name = "prizes.item"
    let configuration = try await Self.prepare(file)
    handler = try await PrizePlugin(configuration: configuration).makeItemHandler()
    database = try BareSQLite.Connection(file)
  }

  /// Makes a prize database with the demo's catalog.
  static func prepare(_ file: URL) async throws -> ConfigurationValues {
    try await prepare(database: "sqlite:\(file.path)")
  }

  private static func prepare(database text: String) async throws -> ConfigurationValues {
    guard let database = PrizeDatabase(configurationText: text) else { throw BenchmarkError("not a database") }
    var configuration = ConfigurationValues()
    configuration[PrizePlugin.database] = database
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
    guard let database else { return }
    let granted = try database.number("SELECT sum(quantity) FROM items")
    let handled = try database.number("SELECT count(*) FROM handled_events")
    guard granted == count, handled == count else {
      throw BenchmarkError("\(count) events, but \(granted) items and \(handled) keys")
    }
  }
}
