import Foundation
import PrizePlugins
import WorkerKit
import WorkerTesting

/// What the worker does for each message of a batch, less the queue: decoding, and the handler with its transaction.
struct PrizeGrants: Contender {
  let name = "prizes.item"

  private let handler: ItemPrizeHandler
  private let database: BareSQLite.Connection

  init(file: URL) async throws {
    guard let path = PrizeDatabase(configurationText: "sqlite:\(file.path)") else {
      throw BenchmarkError("not a database path: \(file.path)")
    }
    var configuration = ConfigurationValues()
    configuration[PrizePlugin.database] = path
    try await PrizePlugin.prepareDemo(configuration)
    handler = try await PrizePlugin(configuration: configuration).makeItemHandler()
    database = try BareSQLite.Connection(file)
  }

  /// To a thousand users.
  func body(round: Int, batch: Int, number: Int) -> String {
    """
    {"eventType":"ITEM_AWARDED","discordGuildId":"123456789012345678","discordUserId":"\(1_000 + number % 1_000)",\
    "itemTypeId":"cluid123abc","quantity":1}
    """
  }

  func commit(_ bodies: ArraySlice<String>) async throws {
    for outcome in try await deliver(Array(bodies), to: handler) { try outcome.get() }
  }

  func check(count: Int) throws {
    let granted = try database.number("SELECT sum(quantity) FROM items")
    let handled = try database.number("SELECT count(*) FROM handled_events")
    guard granted == count, handled == count else {
      throw BenchmarkError("\(count) events, but \(granted) items and \(handled) keys")
    }
  }
}
