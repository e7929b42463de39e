import TestSupport
import Testing

@testable import PrizePlugins

/// What is recorded of an event is compared byte by byte with what JSONEncoder makes of it, which is what the databases of
/// other versions hold.
@Suite struct RecordedEventTests {
  @Test(arguments: [1, 2, SeededGenerator.drawnSeed])
  func contentIsTheEventsCanonicalJSON(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      let user = DiscordUserID.valid("\(UInt64.random(in: .min ... .max, using: &random))")
      let id = Self.identifier(using: &random)
      try expectCanonical(
        ItemAwarded.of(id, .valid(.random(in: Quantity.range, using: &random)), to: user), seed: seed)
      try expectCanonical(CharacterAwarded.of(id, to: user), seed: seed)
      try expectCanonical(AccountLinked(discordUserId: user, userId: id), seed: seed)
    }
  }

  @Test func quotesEachCharacterAsJSONDoes() throws {
    var texts = (UInt32(0)...0x2_030).compactMap(Unicode.Scalar.init).map { String($0) }
    texts += texts.prefix(0x80).map { "a\($0)\u{301}/" } + ["", "\r\n", "e\u{301}", "é", "👩‍🚀", "\u{FEFF}", "\u{10FFFF}"]
    for text in texts {
      let quoted = CanonicalJSON.quoted(text)
      #expect(try quoted.utf8.elementsEqual(CanonicalJSON.text(of: text).utf8), "\(text.unicodeScalars.map(\.value))")
    }
  }

  private func expectCanonical(_ event: some RecordedEvent, seed: UInt64) throws {
    let content = event.content
    #expect(try content.utf8.elementsEqual(CanonicalJSON.text(of: event).utf8), "\(content), seed \(seed)")
  }

  /// Of what JSON escapes, and of what it does not.
  private static func identifier(using random: inout SeededGenerator) -> Identifier {
    let alphabet = Array(#"aZ09-_:/"\{}'<&é字"#.unicodeScalars) + ["\u{301}", "\u{1F600}", "\u{E000}"]
    let scalars = (0..<Int.random(in: 1...40, using: &random)).map { _ in
      alphabet[Int.random(in: alphabet.indices, using: &random)]
    }
    return .valid(String(String.UnicodeScalarView(scalars)))
  }
}
