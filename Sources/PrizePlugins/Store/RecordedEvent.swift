/// An event that is recorded when it is handled, so that a key which comes again with another event is noticed.
protocol RecordedEvent: Codable, Hashable, Sendable {
  /// What ``CanonicalJSON/text(of:)`` makes of the event, in a small part of the time, which counts for every grant.
  ///
  /// Databases keep it, and other versions compare it with theirs, so it never changes.
  var content: String { get }
}

extension ItemAwarded: RecordedEvent {
  var content: String {
    #"""
    {"discordGuildId":"\#(discordGuildId.rawValue)","discordUserId":"\#(discordUserId.rawValue)",\#
    "itemTypeId":\#(CanonicalJSON.quoted(itemTypeId.rawValue)),"quantity":\#(quantity.rawValue)}
    """#
  }
}

extension CharacterAwarded: RecordedEvent {
  var content: String {
    #"""
    {"characterId":\#(CanonicalJSON.quoted(characterId.rawValue)),"discordGuildId":"\#(discordGuildId.rawValue)",\#
    "discordUserId":"\#(discordUserId.rawValue)"}
    """#
  }
}

extension AccountLinked: RecordedEvent {
  var content: String {
    #"{"discordUserId":"\#(discordUserId.rawValue)","userId":\#(CanonicalJSON.quoted(userId.rawValue))}"#
  }
}
