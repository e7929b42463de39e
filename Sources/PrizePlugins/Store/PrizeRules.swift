import WorkerKit

/// What holds in every store.
enum PrizeRules {
  /// The most that one stack holds: what a JavaScript reader of `holdings --json` can still count exactly.
  static let largestStack = 9_007_199_254_740_991

  /// The most items that do not stack in one event. Each is a row of its own, and one message must not be able to fill
  /// the disk.
  static let mostSingleItems = 1_000
}

/// What an event got wrong, in the same words in every store.
extension EventError {
  static func reusedKey(_ key: EventKey) -> EventError {
    EventError(
      .conflict,
      "an event of other content was handled under the same key: the producer reused an IdempotencyKey for another "
        + "\(key.eventType); send this one again under a key of its own")
  }

  static func noCommunity(_ event: ItemAwarded) -> EventError {
    EventError(
      .notFound, "no community belongs to the guild; import one, or correct discordGuildId",
      field: "discordGuildId", received: event.discordGuildId.rawValue)
  }

  static func noItemType(_ event: ItemAwarded) -> EventError {
    EventError(
      .notFound, "the item type does not exist; import it, or correct itemTypeId",
      field: "itemTypeId", received: event.itemTypeId.rawValue)
  }

  static func foreignItemType(_ event: ItemAwarded) -> EventError {
    EventError(
      .notFound, "the item type does not belong to the guild's community; correct itemTypeId or discordGuildId",
      field: "itemTypeId", received: event.itemTypeId.rawValue)
  }

  static func tooManySingleItems(_ event: ItemAwarded) -> EventError {
    EventError(
      .validation,
      "an item that does not stack can be awarded at most \(PrizeRules.mostSingleItems) times by one event; send several",
      field: "quantity", received: event.quantity.description)
  }

  static func fullStack(of itemTypeId: Identifier) -> EventError {
    EventError(
      .conflict,
      "a stack would hold more than \(PrizeRules.largestStack) items; look for a producer that awards too much",
      received: itemTypeId.rawValue)
  }

  static func noCharacter(_ event: CharacterAwarded) -> EventError {
    EventError(
      .notFound, "the character does not exist; import it, or correct characterId",
      field: "characterId", received: event.characterId.rawValue)
  }

  static func characterIsTaken(_ event: CharacterAwarded, isOwned: Bool) -> EventError {
    let how = isOwned ? "by a user" : "and waits for its owner's account to be linked"
    return EventError(
      .conflict, "the character is already owned, \(how); award one that is orphaned",
      field: "characterId", received: event.characterId.rawValue)
  }

  static func linkedToAnother(_ event: AccountLinked) -> EventError {
    EventError(
      .conflict, "this Discord account is already linked to another user; correct userId or discordUserId",
      field: "userId", received: event.userId.rawValue)
  }
}

/// What in a catalog contradicts what is kept already, in the same words in every store.
extension CatalogError.Problem {
  static func guildBelongs(_ community: Catalog.Community, to holder: Identifier) -> CatalogError.Problem {
    CatalogError.Problem(
      position: community.position,
      message: "guild \(community.discordGuildId) already belongs to community \(holder); correct discordGuildId")
  }

  static func itemTypeBelongs(_ type: Catalog.ItemType, to holder: Identifier) -> CatalogError.Problem {
    CatalogError.Problem(
      position: type.position,
      message: "item type \(type.id) already belongs to community \(holder), and cannot move; use another id")
  }

  static func accountIsLinked(_ account: Catalog.Account, to user: Identifier) -> CatalogError.Problem {
    CatalogError.Problem(
      position: account.position,
      message: "Discord account \(account.discordUserId) is already linked to user \(user); correct userId")
  }
}
