/// `ITEM_AWARDED`: someone on a Discord server won items.
///
///     { "eventType": "ITEM_AWARDED", "discordGuildId": "123456789012345678",
///       "discordUserId": "987654321098765432", "itemTypeId": "cluid123abc", "quantity": 5 }
///
/// `quantity` may be left out and is 1 then; `null` is refused. Fields that are not named here are ignored.
package struct ItemAwarded: Codable, Hashable, Sendable {
  var discordGuildId: DiscordGuildID
  var discordUserId: DiscordUserID
  var itemTypeId: Identifier
  var quantity: Quantity
}

extension ItemAwarded {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    discordGuildId = try container.decode(DiscordGuildID.self, forKey: .discordGuildId)
    discordUserId = try container.decode(DiscordUserID.self, forKey: .discordUserId)
    itemTypeId = try container.decode(Identifier.self, forKey: .itemTypeId)
    // Not decodeIfPresent: a producer that sends null had a quantity in mind, and one is a guess.
    quantity = container.contains(.quantity) ? try container.decode(Quantity.self, forKey: .quantity) : .one
  }
}
