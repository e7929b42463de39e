import WorkerKit

/// An event with the fields of `ITEM_AWARDED`, each checked.
struct Award: Decodable, Sendable {
  let discordGuildId: Snowflake
  let discordUserId: Snowflake
  let itemTypeId: ItemTypeID
  let quantity: Quantity
}

/// An ``Award`` that says when it was put into the queue.
struct TimedAward: Decodable, Sendable {
  let award: Award
  /// In nanoseconds of this machine's uptime.
  let sentAt: UInt64

  private enum CodingKeys: CodingKey { case sentAt }

  init(from decoder: any Decoder) throws {
    award = try Award(from: decoder)
    sentAt = try decoder.container(keyedBy: CodingKeys.self).decode(UInt64.self, forKey: .sentAt)
  }
}

/// An id on Discord: a number of 64 bits, as text.
struct Snowflake: Decodable, Sendable {
  let rawValue: String

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    rawValue = try container.decode(String.self)
    // UInt64 accepts a sign and leading zeros.
    let first = rawValue.unicodeScalars.first ?? " "
    guard UInt64(rawValue) != nil, rawValue == "0" || ("1"..."9").contains(first) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a numeric Discord id")
    }
  }
}

/// 1 to 128 printable characters.
struct ItemTypeID: Decodable, Sendable {
  let rawValue: String

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    rawValue = try container.decode(String.self)
    let scalars = rawValue.unicodeScalars
    guard (1...128).contains(scalars.count), !scalars.contains(where: Self.isControl) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected an id of 1 to 128 characters")
    }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    // Most ids have none but these, and asking Unicode takes longer than reading them.
    if (" "..."~").contains(scalar) { return false }
    return scalar.properties.generalCategory == .control
  }
}

/// A whole number from 1 to 1,000,000,000.
struct Quantity: Decodable, Sendable {
  let rawValue: Int

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    rawValue = try container.decode(Int.self)
    guard (1...1_000_000_000).contains(rawValue) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "expected a whole number from 1 to 1000000000")
    }
  }
}
