import TestSupport

/// Generates random JSON of all kinds, and corrupts it.
struct JSONDocuments {
  var random: SeededGenerator

  /// A value for every type of ``JSONSample/all``.
  static let plain = [
    #"{"string":"a","integer":1,"date":"2026-01-31T12:00:00Z","value":"x"}"#, #"{"map":{"1":0}}"#, #"{"gold":1}"#,
    "{}", "[]", "[1,2]", #"["a"]"#, #"["2026-01-31T12:00:00Z"]"#, "[[1,2],[3]]", #""AQID""#, "5", "true", "null",
    #"{"super":{"string":"b"},"bool":true}"#, #""https://example.com/a""#,
  ].map { Array($0.utf8) }

  mutating func next() -> [UInt8] {
    var bytes = Array(object(depth: Int.random(in: 0...3, using: &random)).utf8)
    switch Int.random(in: 0..<20, using: &random) {
    case 0: bytes = Array(value(depth: 2).utf8)
    case 1: bytes = Array((String(repeating: "[", count: 63) + "5" + String(repeating: "]", count: 63)).utf8)
    case 2: bytes = [0xEF, 0xBB, 0xBF] + bytes
    case 3: bytes += Array(space().utf8)
    case 4: bytes = Array(array(count: 40, depth: 1).utf8)
    case 5, 6: bytes = Array(list().utf8)
    case 7: bytes = Array(numbers().utf8)
    default: break
    }
    for _ in 0..<max(0, Int.random(in: -4...2, using: &random)) { mutate(&bytes) }
    return bytes
  }

  /// The names that ``JSONSample/all`` decode, with values that often have the expected type.
  static let fields: [(name: String, value: @Sendable (inout JSONDocuments) -> String)] = [
    ("string", { $0.string() }), ("integer", { $0.number() }), ("bool", { $0.pick("true", "false", "1", "null") }),
    ("small", { $0.number() }), ("double", { $0.number() }), ("float", { $0.number() }), ("unsigned", { $0.number() }),
    ("huge", { $0.number() }), ("decimal", { $0.number() }), ("tier", { $0.pick(#""gold""#, #""tin""#, "null", "3") }),
    (
      "date",
      {
        $0.pick(
          #""2026-01-31T12:00:00Z""#, #""2026-01-31T12:00:00.125+01:00""#, #""2026-13-31T12:00:00Z""#, "5", "null")
      }
    ),
    ("url", { $0.pick(#""https://example.com/a?b=c""#, #""""#, #""a b""#, #""http:\/\/x""#, #""%""#, "null") }),
    ("data", { $0.pick(#""AQID""#, #""AQ==""#, #""AQ=""#, #""\u0041QID""#, #""AQI\n""#, #""""#, "null", "[1,2]") }),
    ("uuid", { $0.pick(#""E621E1F8-C36C-495A-93FC-0C247A3E6E5F""#, #""x""#) }),
    ("list", { $0.array(count: 3, depth: 1) }), ("numbers", { $0.numbers() }), ("map", { $0.object(depth: 1) }),
    ("kelvin", { $0.number() }), ("\u{212A}elvin", { $0.number() }), ("caf\u{E9}", { $0.string() }),
    ("cafe\u{301}", { $0.string() }), ("super", { $0.object(depth: 1) }), ("inner", { $0.object(depth: 2) }),
    ("value", { $0.value(depth: 2) }), ("", { $0.value(depth: 0) }), ("3", { $0.number() }),
  ]

  private mutating func pick(_ texts: String...) -> String { draw(from: texts) }

  private mutating func draw<Element>(from elements: [Element]) -> Element {
    elements[Int.random(in: elements.indices, using: &random)]
  }

  private mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &random) == 0 }

  private mutating func space() -> String { chance(6) ? pick(" ", "\n", "\t", "\r\n", "  ") : "" }

  mutating func object(depth: Int) -> String {
    // Occasionally more than are compared one at a time.
    let count = chance(8) ? Int.random(in: 15...60, using: &random) : Int.random(in: 0...8, using: &random)
    // Of a name that comes twice Foundation's decoder takes the first value. Unequal bytes can be equal names.
    var names: Set<String> = []
    let members = (0..<count).compactMap { _ -> String? in
      let field = draw(from: Self.fields)
      guard names.insert(field.name).inserted else { return nil }
      let value = depth <= 0 ? scalar() : chance(5) ? value(depth: depth - 1) : field.value(&self)
      return space() + quoted(field.name) + space() + ":" + space() + value
    }
    return "{" + members.joined(separator: ",") + space() + (chance(60) ? "," : "") + "}"
  }

  mutating func array(count: Int, depth: Int) -> String {
    let elements = (0..<Int.random(in: 0...count, using: &random)).map { _ in value(depth: depth - 1) + space() }
    return "[" + elements.joined(separator: ",") + (chance(60) ? "," : "") + "]"
  }

  /// Values of one kind, or a single one.
  private mutating func list() -> String {
    let field = draw(from: Self.fields)
    let values = (0..<Int.random(in: 1...4, using: &random)).map { _ in field.value(&self) }
    return chance(3) ? values[0] : "[" + values.joined(separator: ",") + "]"
  }

  mutating func numbers() -> String {
    "[" + (0..<Int.random(in: 0...5, using: &random)).map { _ in number() }.joined(separator: ", ") + "]"
  }

  mutating func value(depth: Int) -> String {
    switch Int.random(in: 0..<8, using: &random) {
    case 0 where depth > 0: object(depth: depth)
    case 1 where depth > 0: array(count: 4, depth: depth)
    default: scalar()
    }
  }

  private mutating func scalar() -> String {
    switch Int.random(in: 0..<5, using: &random) {
    case 0: "null"
    case 1: pick("true", "false", "tru", "nul")
    case 2: string()
    default: number()
    }
  }

  /// All forms: plain, at the limit of a type, with fractions and exponents that cancel, too large, too small, invalid.
  mutating func number() -> String {
    let edges = [
      "0", "-0", "1", "-1", "127", "128", "-128", "-129", "255", "256", "65535", "65536", "-32768", "-32769",
      "4294967295", "4294967296", "2147483648", "-2147483648", "9007199254740993", "999999999999999999",
      "1000000000000000000", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
      "-9223372036854775809", "18446744073709551615", "18446744073709551616",
      "170141183460469231731687303715884105727", "340282366920938463463374607431768211455",
      "340282366920938463463374607431768211456", "3.4028236e38", "1.8e308", "4.9e-324", "1e-400", "-1e-400", "0e999",
      "0e9", "0.0e5", "-0e12", "0e0",
      "0.0", "-0.0", "5.0", "1e3", "1E+2", "10e-1", "1.5e1", "15e-1", "1.0000000000000000001", "0.1", "16777217",
      "1e400", "01", "-", "1.", ".5", "+1", "1e", "-01", "00", "0x1", "1e5.5",
    ]
    if chance(2) { return draw(from: edges) }
    let digits = (0..<Int.random(in: 1...22, using: &random)).map { _ in pick("0", "1", "5", "9", "7") }.joined()
    return pick("", "-") + (chance(5) ? digits : digits.drop { $0 == "0" } + "1")
      + pick("", "", ".25", ".0", "e2", "E-3")
  }

  mutating func string() -> String {
    if chance(12) {
      return pick(
        #""\ud83d\ude00""#, #""\ud83d""#, #""\ude00""#, #""\ud83dx""#, #""\ud83d\u0041""#, #""\u00""#, #""\x""#,
        #""\u00E9\u0000""#, "\"\u{1}\"", "\"\t\"", #""\uD800\uDC00""#, #""\u12G4""#)
    }
    return quoted(
      (0..<Int.random(in: 0...20, using: &random)).map { _ in
        pick(
          "a", "Z", "5", " ", "\"", "\\", "/", "\n", "é", "e\u{301}", "\u{7F}", "ß", "€", "😀", "\u{FFFF}", "\u{0}")
      }.joined())
  }

  private mutating func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar -> String in
      switch scalar {
      case "\"", "\\": "\\\(scalar)"
      case "/" where chance(2): "\\/"
      case ..<" ": "\\u" + String(String(scalar.value + 0x10000, radix: 16).dropFirst())
      case _ where chance(10) && scalar.value < 0x10000:
        "\\u" + String(String(scalar.value + 0x10000, radix: 16, uppercase: chance(2)).dropFirst())
      default: String(Character(scalar))
      }
    }
    return "\"" + escaped.joined() + "\""
  }

  private mutating func mutate(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let start = Int.random(in: 0..<bytes.count, using: &random)
    let end = min(bytes.count, start + Int.random(in: 1...20, using: &random))
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[start] = UInt8.random(in: 0...255, using: &random)
    case 2: bytes.removeSubrange(start..<end)
    case 3: bytes.insert(contentsOf: bytes[start..<end], at: Int.random(in: 0...bytes.count, using: &random))
    case 4: bytes.removeSubrange(start...)
    default: bytes.insert(draw(from: Array("{}[]\",:0123456789.eE+-truefalsn\\ u\u{0}".utf8)), at: start)
    }
  }
}
