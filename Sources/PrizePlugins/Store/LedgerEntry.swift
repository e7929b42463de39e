/// A line of the ledger: what was granted, left pending or claimed, when, and by which event. It is written in the transaction of the
/// prize and never changes; the reports are made from it.
///
///     { "at": "2026-11-28T12:00:00Z", "change": "granted", "characterId": null, "communityId": "crew",
///       "discordUserId": "987654321098765432", "eventType": "ITEM_AWARDED", "itemTypeId": "cluid123abc",
///       "key": "message:5fea7756-0ea4-451a-a703-a558b933e274", "quantity": 5, "userId": "alice" }
struct LedgerEntry: Hashable, Sendable {
  enum Change: String, Codable, Sendable {
    /// To a user at once.
    case granted
    /// Until the account is linked.
    case pending
    /// Was pending, and is its user's now.
    case claimed
  }

  /// In ISO 8601; empty until it is written.
  var at = ""
  var change: Change
  var discordUserId: DiscordUserID
  var userId: Identifier?
  var communityId: Identifier?
  /// Either this or ``characterId``.
  var itemTypeId: Identifier?
  var characterId: Identifier?
  var quantity = 1
  /// nil where an import linked the account.
  var event: EventKey?

  /// How many lines `prizes holdings --history` shows.
  static let mostShown = 100
}

extension LedgerEntry {
  init(_ holder: Holder, to account: DiscordUserID, by event: EventKey) {
    self.init(
      change: holder.owner == nil ? .pending : .granted, discordUserId: account, userId: holder.owner, event: event)
  }
}

extension LedgerEntry: Encodable {
  private enum CodingKeys: CodingKey {
    case at, change, characterId, communityId, discordUserId, eventType, itemTypeId, key, quantity, userId
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(at, forKey: .at)
    try container.encode(change, forKey: .change)
    try container.encode(characterId, forKey: .characterId)
    try container.encode(communityId, forKey: .communityId)
    try container.encode(discordUserId, forKey: .discordUserId)
    try container.encode(event?.eventType, forKey: .eventType)
    try container.encode(itemTypeId, forKey: .itemTypeId)
    try container.encode(event?.key, forKey: .key)
    try container.encode(quantity, forKey: .quantity)
    try container.encode(userId, forKey: .userId)
  }
}
