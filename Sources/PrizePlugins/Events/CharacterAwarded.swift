/// `CHARACTER_AWARDED`: someone on a Discord server won an orphaned character.
///
///     { "eventType": "CHARACTER_AWARDED", "discordGuildId": "123456789012345678",
///       "discordUserId": "987654321098765432", "characterId": "cluid456def" }
///
/// The guild must be named, and decides nothing: characters belong to no community.
struct CharacterAwarded: Codable, Hashable, Sendable {
  var discordGuildId: DiscordGuildID
  var discordUserId: DiscordUserID
  var characterId: Identifier
}
