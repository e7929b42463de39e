import TestSupport
import Testing

@testable import WorkerKit

@Suite("${NAME} in routes.yaml")
struct InterpolationTests {
  static let environment = [
    "A": "alpha", "DOLLAR": "x$", "REFERENCE": "${A}", "OPEN": "${", "EMPTY": "", "BLANK": " \n", "SPACED": " a b \r\n",
  ]

  @Test(
    "is substituted as by a shell",
    arguments: [
      ("${A}", "alpha"), ("<${A}${A}>", "<alphaalpha>"), ("$A $ $$ }", "$A $ $$ }"),
      ("${NONE:-c}", "c"), ("${NONE:-}", ""), ("${EMPTY:-c}", "c"), ("${BLANK:-c}", "c"), ("${A:-c}", "alpha"),
      ("${NONE:-${A}}", "alpha"), ("${NONE:-${EMPTY:-us-east-1}}", "us-east-1"), ("${NONE:-<${A}>}", "<alpha>"),
      ("${A:-${NONE}}", "alpha"),
      ("${DOLLAR}${A}", "x$alpha"), ("${DOLLAR}{A}", "x${A}"), ("${REFERENCE}", "${A}"), ("${OPEN}A}", "${A}"),
      ("${NONE:-${REFERENCE}}", "${A}"),
      ("$${A}", "${A}"), ("$$${A}", "$${A}"), ("${NONE:-$${}", "${"), ("$${", "${"),
      ("${SPACED}", "a b"), ("${NONE:- c }", " c "), ("${NONE:-ü}\u{301}", "ü\u{301}"),
    ])
  func filledIn(text: String, expected: String) throws {
    #expect(try Interpolation.filledIn(text, from: Self.environment) == expected)
  }

  @Test(
    "a problem is reported with its remedy",
    arguments: [
      ("${NONE}", "NONE is not set; export it, or write a default: `${NONE:-…}`"),
      ("${NONE:-${NEITHER}}", "NEITHER is not set"),
      ("${", "no closing `}`"), ("a ${A", "no closing `}`"), ("${A:-", "no closing `}`"),
      ("${A:-${B:-c}", "no closing `}`"),
      ("${}", "must be followed by the name"), ("${1}", "must be followed by the name"),
      ("${ A}", "must be followed by the name"), ("${:-a}", "must be followed by the name"),
      ("${A-c}", "`${A` must be followed by `}`"), ("${A:?c}", "`${A` must be followed by `}`"),
      ("${A }", "`${A` must be followed by `}`"), ("${A.b}", "`${A` must be followed by `}`"),
      ("${LINES}", "LINES holds a line break"), ("${ESCAPE}", "ESCAPE holds the control character U+001B"),
      (String(repeating: "${NONE:-", count: 10_000), "nested more than 16 deep"),
    ])
  func refused(text: String, expected: String) {
    let environment = ["A": "alpha", "LINES": "a\nb", "ESCAPE": "\u{1B}[2J"]
    #expect {
      _ = try Interpolation.filledIn(text, from: environment)
    } throws: {
      ($0 as? ConfigurationValueError)?.message.contains(expected) == true
    }
  }

  /// The grammar as data: the written text and its value.
  indirect enum Piece {
    case literal(String)
    case escape
    case reference(String, default: [Piece]?)

    var text: String {
      switch self {
      case .literal(let text): text
      case .escape: "$${"
      case .reference(let name, nil): "${\(name)}"
      case .reference(let name, let pieces?): "${\(name):-\(pieces.map(\.text).joined())}"
      }
    }

    /// nil if a required variable is not set.
    var value: String? {
      switch self {
      case .literal(let text): return text
      case .escape: return "${"
      case .reference(let name, let pieces):
        switch name {
        case "A": return "alpha"
        case "REFERENCE": return "${A}"
        case "DOLLAR": return "x$"
        default: return pieces.flatMap(Self.value)
        }
      }
    }

    static func value(of pieces: [Piece]) -> String? {
      let values = pieces.compactMap(\.value)
      return values.count == pieces.count ? values.joined() : nil
    }

    static func random(_ depth: Int, using generator: inout SeededGenerator) -> [Piece] {
      (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        switch Int.random(in: 0...3, using: &generator) {
        // A `$` would change the meaning of the next character, and in a default `}` ends it.
        case 0: .literal(["a", "-:", " ", "{", "ü", "{a"].randomElement(using: &generator) ?? "")
        case 1: .escape
        default:
          .reference(
            ["A", "REFERENCE", "DOLLAR", "NONE", "EMPTY"].randomElement(using: &generator) ?? "",
            default: depth == 0 || Bool.random(using: &generator) ? nil : random(depth - 1, using: &generator))
        }
      }
    }
  }

  @Test("a thousand random values match their grammar", .timeLimit(.minutes(20)))
  func property() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<1000 {
      let pieces = Piece.random(4, using: &generator)
      let text = pieces.map(\.text).joined()
      let found = try? Interpolation.filledIn(text, from: Self.environment)
      #expect(found == Piece.value(of: pieces), "\(text), seed \(seed)")
      let unfinished = text + "${A:-" + Piece.random(2, using: &generator).map(\.text).joined()
      #expect(throws: ConfigurationValueError.self, "\(unfinished), seed \(seed)") {
        try Interpolation.filledIn(unfinished, from: Self.environment)
      }
    }
  }
}
