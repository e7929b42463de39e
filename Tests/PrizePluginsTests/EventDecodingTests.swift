import Foundation
import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct EventDecodingTests {
  /// A body, the field at fault, and what decoding says was expected there.
  struct Refusal: CustomTestStringConvertible, Sendable {
    var json: String
    var field: String
    var expected: String
    var testDescription: String { json }
  }

  static let quantity = "expected a whole number from 1 to 1000000000"
  static let user = "expected a numeric Discord user id such as \"987654321098765432\""
  static let guild = "expected a numeric Discord guild id such as \"123456789012345678\""
  static let id = "expected an id of 1 to 128 characters, without control characters or spaces around it"

  /// A number where a text is wanted lacks its quotes.
  static func quotes(for json: String) -> String { Double(json) == nil ? "" : ", in quotes" }

  static func item(
    guild: String = #""123""#, user: String = #""456""#, type: String = #""abc""#, quantity: String? = nil
  ) -> String {
    #"{"eventType":"ITEM_AWARDED","discordGuildId":\#(guild),"discordUserId":\#(user),"itemTypeId":\#(type)"#
      + (quantity.map { #","quantity":\#($0)"# } ?? "") + "}"
  }

  static let quantities = [
    "0", "-1", "1.5", "\"5\"", "1e30", "null", "true", "1000000001", "9223372036854775808", "[1]", "{}", "-0.5",
  ].map { Refusal(json: item(quantity: $0), field: "quantity", expected: quantity) }

  static let users = [
    "\"\"", "\"alice\"", "\"+5\"", "\"-5\"", "\"0456\"", "\" 456\"", "\"４５６\"", "\"18446744073709551616\"",
    "\"123456789012345678901\"", "456", "4.5", "null", "true", "[]", "{}",
  ].map { Refusal(json: item(user: $0), field: "discordUserId", expected: user + quotes(for: $0)) }

  static let guilds = ["\"guild\"", "123456789012345678", "null"]
    .map { Refusal(json: item(guild: $0), field: "discordGuildId", expected: guild + quotes(for: $0)) }

  static let ids = [
    "\"\"", "\" abc\"", "\"abc\\n\"", "\"a\\u0000b\"", "\"a\\u202Eb\"", "\"\(String(repeating: "a", count: 129))\"",
    "7",
    "null", "false", "[]", "{}",
  ].map { Refusal(json: item(type: $0), field: "itemTypeId", expected: id + quotes(for: $0)) }

  @Test(arguments: quantities + users + guilds + ids)
  func refusesItems(_ refusal: Refusal) throws {
    try expectRefusal(refusal, ItemAwarded.self)
  }

  @Test(arguments: [
    Refusal(json: #"{"discordGuildId":"1","discordUserId":"2","characterId":""}"#, field: "characterId", expected: id),
    Refusal(
      json: #"{"discordGuildId":"1","discordUserId":"@x","characterId":"c"}"#, field: "discordUserId", expected: user),
    Refusal(
      json: #"{"discordGuildId":1,"discordUserId":"2","characterId":"c"}"#, field: "discordGuildId",
      expected: guild + ", in quotes"),
  ])
  func refusesCharacters(_ refusal: Refusal) throws {
    try expectRefusal(refusal, CharacterAwarded.self)
  }

  @Test(arguments: [
    Refusal(json: #"{"discordUserId":"2","userId":" "}"#, field: "userId", expected: id),
    Refusal(
      json: #"{"discordUserId":2,"userId":"u"}"#, field: "discordUserId", expected: user + ", in quotes"),
  ])
  func refusesLinks(_ refusal: Refusal) throws {
    try expectRefusal(refusal, AccountLinked.self)
  }

  /// Where the type is right, that alone would explain nothing.
  @Test(arguments: [
    (item(quantity: "0"), "the number is below 1"), (item(quantity: "1000000001"), "the number is above 1000000000"),
    (item(quantity: "1.5"), "a fraction came"), (item(quantity: "1e30"), "one of more than 18 digits came"),
    (item(quantity: "\"5\""), "a string came"), (item(quantity: "null"), "null came"),
    (item(user: "\"\""), "the text is empty"), (item(user: "\"mira#1234\""), "the text holds more than digits"),
    (item(user: "\"0456\""), "the text begins with a 0"), (item(user: "\"+456\""), "the text holds more than digits"),
    (item(user: "\"-0\""), "the text holds more than digits"),
    (item(user: "\"18446744073709551616\""), "the number does not fit in 64 bits"),
    (item(user: "456"), "a number came"),
    (item(type: "\"\""), "the text is empty"), (item(type: "\" abc\""), "the text has white space at an end"),
    (item(type: "\"a\\u0000b\""), "the text holds a control or formatting character"),
    (item(type: "\"\(String(repeating: "a", count: 129))\""), "the text is longer"),
  ])
  func saysWhatIsWrongWithWhatCame(_ json: String, _ problem: String) throws {
    let error = #expect(throws: EventError.self) { try EventDecoder.decode(ItemAwarded.self, from: Array(json.utf8)) }
    #expect(error?.message.contains(", but \(problem)") == true, "\(error?.message ?? "")")
  }

  @Test(arguments: ["discordGuildId", "discordUserId", "itemTypeId"])
  func namesAMissingField(_ field: String) throws {
    let whole = ["discordGuildId": "1", "discordUserId": "2", "itemTypeId": "3"]
    let body = try JSONEncoder().encode(whole.filter { $0.key != field })
    #expect {
      try JSONDecoder().decode(ItemAwarded.self, from: body)
    } throws: { error in
      guard case DecodingError.keyNotFound(let key, _) = error else { return false }
      return key.stringValue == field
    }
  }

  @Test func readsTheExamplesOfTheSpecification() throws {
    let item = try decode(
      ItemAwarded.self,
      """
      {"eventType": "ITEM_AWARDED", "discordGuildId": "123456789012345678", "discordUserId": "987654321098765432",
       "itemTypeId": "cluid123abc", "quantity": 5}
      """)
    #expect(item == .of("cluid123abc", 5, to: "987654321098765432", in: "123456789012345678"))
    let character = try decode(
      CharacterAwarded.self,
      """
      {"eventType": "CHARACTER_AWARDED", "discordGuildId": "123456789012345678",
       "discordUserId": "987654321098765432", "characterId": "cluid456def"}
      """)
    #expect(character == .of("cluid456def", to: "987654321098765432"))
    #expect(try decode(ItemAwarded.self, Self.item(quantity: "1")) == .of("abc", to: "456", in: "123"))
  }

  @Test func takesOneForAMissingQuantityAndIgnoresFieldsItDoesNotKnow() throws {
    #expect(try decode(ItemAwarded.self, Self.item()).quantity == 1)
    #expect(try decode(ItemAwarded.self, Self.item(quantity: "1000000000")).quantity == 1_000_000_000)
    #expect(try decode(ItemAwarded.self, Self.item(quantity: "2, \"reason\": {\"raffle\": 7}")).quantity == 2)
    #expect(
      try decode(ItemAwarded.self, Self.item(user: "\"18446744073709551615\"")).discordUserId
        == .valid("18446744073709551615"))
    #expect(try decode(ItemAwarded.self, Self.item(type: "\"\(String(repeating: "ß", count: 128))\"")).quantity == 1)
  }

  private func decode<Event: Decodable & Equatable>(_ type: Event.Type, _ json: String) throws -> Event {
    let event = try JSONDecoder().decode(type, from: Data(json.utf8))
    #expect(try EventDecoder.decode(type, from: Array(json.utf8)) == event)
    return event
  }

  private func expectRefusal<Event: Decodable & Equatable>(_ refusal: Refusal, _ type: Event.Type) throws {
    let error = #expect(throws: DecodingError.self) { try decode(type, refusal.json) }
    guard case .dataCorrupted(let context) = error else {
      Issue.record("not dataCorrupted: \(String(describing: error))")
      return
    }
    #expect(context.codingPath.map(\.stringValue) == [refusal.field])
    #expect(context.debugDescription.hasPrefix(refusal.expected))
    let worker = #expect(throws: EventError.self) { try EventDecoder.decode(type, from: Array(refusal.json.utf8)) }
    #expect(worker?.field == refusal.field)
    #expect(worker?.message.hasPrefix("\(refusal.field): \(refusal.expected), but ") == true)
  }
}
