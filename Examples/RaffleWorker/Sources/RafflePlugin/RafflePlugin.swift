import WorkerKit

/// `RAFFLE_ENTERED`: a user enters a raffle.
struct RaffleEntered: Decodable, Sendable {
  var raffleId: String
  var discordUserId: String
}

/// Keeps the entrants of each raffle in memory while the worker runs.
actor Raffles {
  private let limit: Int
  private var entries: [String: Set<String>] = [:]

  init(limit: Int) {
    self.limit = limit
  }

  /// How many have entered each raffle.
  var counts: [String: Int] { entries.mapValues(\.count) }

  func enter(_ user: String, in raffle: String) throws -> Int {
    var entrants = entries[raffle, default: []]
    guard entrants.contains(user) || entrants.count < limit else {
      throw EventError(
        .conflict, "the raffle is full; raise plugins.raffle.limit, or start another raffle", field: "raffleId",
        received: raffle)
    }
    // In a set, a redelivered entry is still one entry.
    entrants.insert(user)
    entries[raffle] = entrants
    return entrants.count
  }
}

/// Enters a user into a raffle.
struct EnterHandler: EventHandler {
  let raffles: Raffles

  func handle(_ event: RaffleEntered, context: HandlerContext) async throws {
    let count = try await raffles.enter(event.discordUserId, in: event.raffleId)
    context.logger.info("entered the raffle", metadata: ["entrants": "\(count)"])
  }
}

/// Handles raffles.
public struct RafflePlugin: WorkerPlugin {
  public static let name = "raffle"
  public static let configurationKeys: [any ConfigurationKeyProtocol] = [limit]
  static let limit = ConfigurationKey("limit", default: 100, "The maximum number of entrants of a raffle.")

  let raffles: Raffles

  public static func register(in handlers: inout HandlerRegistry<RafflePlugin>) {
    handlers.add("enter") { plugin in EnterHandler(raffles: plugin.raffles) }
  }

  public init(configuration: ConfigurationValues) {
    raffles = Raffles(limit: configuration[Self.limit])
  }
}
