import Testing

@testable import WorkerKit

@Suite("Untrusted text on a terminal")
struct TerminalTextTests {
  @Test(
    "terminal control characters are escaped",
    arguments: [
      ("\u{1B}]0;x\u{7}", #"\u{1b}]0;x\u{7}"#), ("\u{9B}31m", #"\u{9b}31m"#), ("a\u{7F}b", #"a\u{7f}b"#),
      ("\u{202E}abc\u{2066}", #"\u{202e}abc\u{2066}"#), ("a\u{2028}b\u{2029}", #"a\u{2028}b\u{2029}"#),
      ("a\nb\r\nc\td", #"a\nb\r\nc\td"#), ("\u{E0041}", #"\u{e0041}"#), ("Zoë 世界 🎡", "Zoë 世界 🎡"), ("", ""),
      ("👩\u{200D}🚀", #"👩\u{200d}🚀"#), ("gold\u{200B}coin\u{FE0F}", #"gold\u{200b}coin\u{fe0f}"#),
      (
        "\u{34F}\u{115F}\u{17B4}\u{180E}\u{3164}\u{FFA0}\u{2800}",
        #"\u{34f}\u{115f}\u{17b4}\u{180e}\u{3164}\u{ffa0}\u{2800}"#
      ),
    ])
  func line(text: String, shown: String) {
    #expect(TerminalText.line(text) == shown)
    #expect(TerminalText.line(shown) == shown)
  }

  @Test("if lines are allowed, line breaks and tabs stay")
  func lines() {
    #expect(TerminalText.lines("a\n\tb\r\u{1B}") == "a\n\tb\\u{d}\\u{1b}")
  }

  @Test("JSON keeps its meaning, with its own escapes")
  func json() {
    #expect(
      TerminalText.json("{\n\"a\":\"\u{202E}\u{E0041}\u{85}é\"}") == #"{"# + "\n" + #""a":"\u202e\udb40\udc41\u0085é"}"#
    )
  }

  @Test("a text that is shortened inside keeps its start and its end")
  func inside() {
    #expect(TerminalText.shortenedInside("abcdefgh", to: 8) == "abcdefgh")
    #expect(TerminalText.shortenedInside("abcdefghi", to: 8) == "abcd…ghi")
    #expect(TerminalText.shortenedInside("abcdefghi", to: 7) == "abc…ghi")
  }

  @Test("a limit counts scalars, because one character can consist of a million of them")
  func limit() {
    #expect(TerminalText.line("a" + String(repeating: "\u{301}", count: 1_000_000), limit: 3).unicodeScalars.count == 4)
    #expect(TerminalText.line("abc", limit: 3) == "abc")
    #expect(TerminalText.line("abcd", limit: 3) == "abc…")
    #expect(TerminalText.line("", limit: 0) == "")
  }
}
