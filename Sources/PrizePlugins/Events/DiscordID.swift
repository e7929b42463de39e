import WorkerKit

/// The id of a server (a guild) on Discord.
typealias DiscordGuildID = DiscordID<DiscordGuild>

/// The id of a person on Discord: a number, never a user name.
typealias DiscordUserID = DiscordID<DiscordUser>

/// A Discord snowflake in decimal: 1 to 20 ASCII digits that fit in 64 bits, without leading zeros.
///
/// JSON must carry it as text. A JSON number is refused: most producers cannot hold 64 bits in a number, and have
/// lost the last digits already.
struct DiscordID<Of: DiscordEntity>: CheckedValue {
  let rawValue: String

  init?(rawValue: String) {
    guard Self.problem(with: rawValue) == nil else { return nil }
    self.rawValue = rawValue
  }

  static func problem(with rawValue: String) -> String? {
    // UInt64 accepts a sign and leading zeros; a Discord id has neither, and two spellings would be two people.
    let first = rawValue.unicodeScalars.first ?? " "
    if UInt64(rawValue) != nil, rawValue == "0" || ("1"..."9").contains(first) { return nil }
    if rawValue.isEmpty { return "the text is empty" }
    guard rawValue.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return "the text holds more than digits" }
    return rawValue.hasPrefix("0") ? "the text begins with a 0" : "the number does not fit in 64 bits"
  }

  static var expected: String { "expected a numeric Discord \(Of.noun) id such as \"\(Of.example)\"" }

  /// `not`, because some languages let `$` match before a line break. The last few of twenty digits do not fit in 64 bits.
  static var constraints: JSONSchema {
    [
      "type": "string", "pattern": "^(0|[1-9][0-9]*)$", "not": ["pattern": "[^0-9]"], "maxLength": 20,
      "examples": [.string(Of.example)],
    ]
  }
}

/// What a ``DiscordID`` names.
protocol DiscordEntity: Hashable, Sendable {
  static var noun: String { get }
  static var example: String { get }
}

enum DiscordGuild: DiscordEntity {
  static let noun = "guild"
  static let example = "123456789012345678"
}

enum DiscordUser: DiscordEntity {
  static let noun = "user"
  static let example = "987654321098765432"
}
