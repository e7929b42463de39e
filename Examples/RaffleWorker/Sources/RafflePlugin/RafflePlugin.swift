import WorkerKit

/// `RAFFLE_ENTERED`: someone takes part in a raffle.
struct RaffleEntered: Decodable, Sendable {
  var raffleId: String
  var discordUserId: String
}

/// Keeps who entered which raffle, for as long as the worker runs.
actor Raffles {
  private let limit: Int
  private var entries: [String: Set<String>] = [:]

  init(limit: Int) {
    self.limit = limit
  }

  func enter(_ user: String, in raffle: String) throws -> Int {
    var entrants = entries[raffle, default: []]
    guard entrants.contains(user) || entrants.count < limit else {
      throw EventError(.conflict, "raffle \(raffle) is full; raise plugins.raffle.limit, or start another raffle")
    }
    // A set: the same entry delivered twice is one entry.
    entrants.insert(user)
    entries[raffle] = entrants
    return entrants.count
  }
}

struct EnterHandler: EventHandler {
  let raffles: Raffles

  func handle(_ event: RaffleEntered, context: HandlerContext) async throws {
    let count = try await raffles.enter(event.discordUserId, in: event.raffleId)
    context.logger.info("entered the raffle", metadata: ["raffle": "\(event.raffleId)", "entrants": "\(count)"])
  }
}

public struct RafflePlugin: Plugin {
  public static let name = "raffle"
  public static let configurationKeys: [any ConfigurationKeyProtocol] = [limit]
  static let limit = ConfigurationKey("limit", default: 100, "How many can enter one raffle.")

  let raffles: Raffles

  public static func register(in handlers: inout HandlerRegistry<RafflePlugin>) {
    handlers.add("enter") { plugin in EnterHandler(raffles: plugin.raffles) }
  }

  public init(configuration: ConfigurationValues) {
    raffles = Raffles(limit: configuration[Self.limit])
  }
}
