/// `ACCOUNT_LINKED`: a user of the platform proved to own a Discord account.
///
///     { "eventType": "ACCOUNT_LINKED", "discordUserId": "987654321098765432", "userId": "cluser789" }
struct AccountLinked: Codable, Hashable, Sendable {
  var discordUserId: DiscordUserID
  var userId: Identifier
}
