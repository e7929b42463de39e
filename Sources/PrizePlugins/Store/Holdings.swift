/// What is owned by and pending for someone; its JSON is what `prizes holdings --json` prints, on one line.
///
///     { "characters": { "owned": [{ "characterId": "cluid456def", "name": "Mira" }], "pending": [] },
///       "discordUserIds": ["987654321098765432"],
///       "id": "alice",
///       "items": { "owned": [{ "itemTypeId": "cluid123abc", "name": "Gold coin", "quantity": 5 }], "pending": [] },
///       "userId": "alice" }
///
/// Every key is always there. Items are summed up per type; all lists are sorted by id.
struct Holdings: Hashable, Sendable {
  struct Item: Codable, Hashable, Sendable {
    var itemTypeId: Identifier
    var name: String
    var quantity: Int
  }

  struct Character: Codable, Hashable, Sendable {
    var characterId: Identifier
    var name: String
  }

  struct Division<Prize: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    var owned: [Prize] = []
    /// Waits until one of the Discord accounts is linked; where one is, what does not fit its user's stacks.
    var pending: [Prize] = []

    var isEmpty: Bool { owned.isEmpty && pending.isEmpty }
  }

  /// The id that was asked for.
  var id: Identifier
  /// The user that it belongs to; nil, and `null` in JSON, where no account is linked.
  var userId: Identifier?
  var discordUserIds: [DiscordUserID] = []
  var items = Division<Item>()
  var characters = Division<Character>()
  /// Latest first; nil where it was not asked for, and then there is no key in JSON.
  var history: [LedgerEntry]?

  /// Whether the database says nothing about the id.
  var isUnknown: Bool { userId == nil && items.isEmpty && characters.isEmpty }
}

extension Holdings: Encodable {
  private enum CodingKeys: CodingKey {
    case id, userId, discordUserIds, items, characters, history
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(id, forKey: .id)
    // Written out, because the synthesized form leaves the key out where it is nil.
    try container.encode(userId, forKey: .userId)
    try container.encode(discordUserIds, forKey: .discordUserIds)
    try container.encode(items, forKey: .items)
    try container.encode(characters, forKey: .characters)
    try container.encodeIfPresent(history, forKey: .history)
  }
}
