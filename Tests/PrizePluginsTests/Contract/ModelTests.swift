import Foundation
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// Any sequence of events, delivered any number of times, does what a few dictionaries would do.
@Suite struct ModelTests {
  /// A failure names its seed; put it into the list to run that sequence again.
  static let seeds: [UInt64] = [1, 2, 3, SeededGenerator.drawnSeed]

  @Test(arguments: StoreKind.all, seeds)
  func agreesWithASimpleModel(_ store: StoreKind, seed: UInt64) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let stores = [prizes.store, try await prizes.another()]
      var random = SeededGenerator(seed: seed)
      var model = Model()
      var sent: [Model.Delivery] = []
      for step in 0..<250 {
        let delivery: Model.Delivery
        if let earlier = sent.randomElement(using: &random), Int.random(in: 0..<4, using: &random) == 0 {
          // A redelivery, or now and then another event under its key.
          let isReused = Int.random(in: 0..<4, using: &random) == 0
          delivery = isReused ? Model.Delivery(key: earlier.key, event: .random(using: &random)) : earlier
        } else {
          delivery = Model.Delivery(key: "\(step)", event: .random(using: &random))
          sent.append(delivery)
        }
        let store = stores[Int.random(in: 0..<2, using: &random)]
        let outcome = try await deliver(delivery, to: store)
        #expect(outcome == model.deliver(delivery), "seed \(seed), step \(step): \(delivery)")
      }
      #expect(try prizes.items() == model.items, "seed \(seed)")
      #expect(try characters(prizes) == model.characters, "seed \(seed)")
      #expect(try prizes.handledEvents() == model.handled.count, "seed \(seed)")
    }
  }

  private func deliver(_ delivery: Model.Delivery, to store: any PrizeStore) async throws -> Model.Outcome {
    do {
      switch delivery.event {
      case .item(let event):
        return Model.Outcome(try await store.grant(event, as: .item(delivery.key)))
      case .character(let event):
        return Model.Outcome(try await store.transfer(event, as: .character(delivery.key)))
      case .link(let event):
        let handled = try await store.link(event, as: .link(delivery.key))
        return handled == .alreadyHandled ? .alreadyHandled : .linked
      }
    } catch let error as EventError {
      return .refused(error.kind)
    }
  }

  private func characters(_ prizes: Fixture) throws -> [String] {
    try prizes.rows(
      """
      SELECT id, coalesce(owner_user_id, 'pending ' || pending_discord_user_id) FROM characters
      WHERE owner_user_id IS NOT NULL OR pending_discord_user_id IS NOT NULL ORDER BY id
      """)
  }
}

/// What the store should do, without a database.
struct Model {
  enum Event: Hashable {
    case item(ItemAwarded)
    case character(CharacterAwarded)
    case link(AccountLinked)

    static func random(using random: inout SeededGenerator) -> Event {
      let users: [DiscordUserID] = ["456", "1", "2", "3"]
      let user = users[Int.random(in: 0..<users.count, using: &random)]
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4: return .item(.of(Fixture.coin, .valid(.random(in: 1...1_000, using: &random)), to: user))
      case 4..<7: return .item(.of(Fixture.sword, .valid(.random(in: 1...3, using: &random)), to: user))
      case 7: return .item(.of(Fixture.foreignCoin, to: user))
      case 8: return .character(.of(Bool.random(using: &random) ? Fixture.mira : Fixture.tomas, to: user))
      default:
        return .link(AccountLinked(discordUserId: user, userId: Bool.random(using: &random) ? Fixture.alice : "bob"))
      }
    }

    var type: String {
      switch self {
      case .item: "item"
      case .character: "character"
      case .link: "link"
      }
    }
  }

  struct Delivery: Hashable {
    var key: String
    var event: Event
  }

  enum Outcome: Equatable {
    case granted(Holder)
    case linked
    case alreadyHandled
    case refused(ErrorKind)

    init(_ handled: Handled<Holder>) {
      switch handled {
      case .now(let holder): self = .granted(holder)
      case .alreadyHandled: self = .alreadyHandled
      }
    }
  }

  private struct Pile: Hashable {
    var holder: Holder
    var type: Identifier
  }

  private(set) var handled: [String: Event] = [:]
  private var links: [DiscordUserID: Identifier] = [Fixture.aliceOnDiscord: Fixture.alice]
  private var piles: [Pile: Int] = [:]
  private var owners: [Identifier: Holder] = [:]

  mutating func deliver(_ delivery: Delivery) -> Outcome {
    let key = "\(delivery.event.type) \(delivery.key)"
    if let earlier = handled[key] {
      return earlier == delivery.event ? .alreadyHandled : .refused(.conflict)
    }
    let outcome = apply(delivery.event)
    if case .refused = outcome { return outcome }
    handled[key] = delivery.event
    return outcome
  }

  private func holder(_ user: DiscordUserID) -> Holder {
    links[user].map { .owned(by: $0) } ?? .pending(for: user)
  }

  private mutating func apply(_ event: Event) -> Outcome {
    switch event {
    case .item(let event):
      guard event.itemTypeId != Fixture.foreignCoin else { return .refused(.notFound) }
      let holder = holder(event.discordUserId)
      piles[Pile(holder: holder, type: event.itemTypeId), default: 0] += event.quantity.rawValue
      return .granted(holder)
    case .character(let event):
      guard owners[event.characterId] == nil else { return .refused(.conflict) }
      let holder = holder(event.discordUserId)
      owners[event.characterId] = holder
      return .granted(holder)
    case .link(let event):
      guard links[event.discordUserId] ?? event.userId == event.userId else { return .refused(.conflict) }
      links[event.discordUserId] = event.userId
      let old = Holder.pending(for: event.discordUserId)
      let new = Holder.owned(by: event.userId)
      for (pile, quantity) in piles where pile.holder == old {
        piles[pile] = nil
        piles[Pile(holder: new, type: pile.type), default: 0] += quantity
      }
      owners = owners.mapValues { $0 == old ? new : $0 }
      return .linked
    }
  }

  /// As ``Fixture/items()`` shows them.
  var items: [String] {
    piles.flatMap { pile, quantity in
      pile.type == Fixture.coin
        ? ["\(name(pile.holder)) \(pile.type) \(quantity)"]
        : Array(repeating: "\(name(pile.holder)) \(pile.type) 1", count: quantity)
    }.sorted()
  }

  var characters: [String] {
    owners.map { "\($0.key) \(name($0.value))" }.sorted()
  }

  private func name(_ holder: Holder) -> String {
    switch holder {
    case .owned(let user): user.rawValue
    case .pending(let user): "pending \(user)"
    }
  }
}
