/// Reads a body from its first byte to its last, checks it, and notes where its values are.
///
/// It is stricter than Foundation: what it reads Foundation reads as well, but not the other way round. Commas before a
/// closing bracket, other encodings, a byte order mark and what is beyond the limits below are refused.
struct JSONParser {
  struct Refusal: Error {}

  /// Shallow enough for the stack, whoever's it is.
  private static let depthLimit = 64
  /// The notes of a body that waits for its handler wait with it, and should not take more memory than the body may.
  private static let nodeLimit = 10_000

  private let bytes: [UInt8]
  private var offset = 0
  private var depth = 0
  private(set) var nodes: [JSONNode] = []

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func parse() throws(Refusal) {
    guard bytes.count <= Int32.max else { throw Refusal() }
    // An event's field has about this many bytes, and two nodes. A body without fields should not cost more.
    nodes.reserveCapacity(min(bytes.count / 12, 256) + 4)
    try readValue()
    skipSpace()
    guard offset == bytes.count else { throw Refusal() }
    try append(.null, offset..<offset)
  }

  /// 0 at the end: no JSON has that byte.
  private var peek: UInt8 { offset < bytes.count ? bytes[offset] : 0 }

  private mutating func append(_ kind: JSONNode.Kind, _ range: Range<Int>) throws(Refusal) {
    guard nodes.count < Self.nodeLimit else { throw Refusal() }
    nodes.append(JSONNode(kind, range, at: nodes.count))
  }

  private mutating func skipSpace() {
    while peek <= 0x20, peek == 0x20 || peek == 0x0A || peek == 0x0D || peek == 0x09 {
      offset += 1
    }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard peek == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(Refusal) {
    guard accept(character) else { throw Refusal() }
  }

  private mutating func readValue() throws(Refusal) {
    skipSpace()
    switch peek {
    case UInt8(ascii: "\""): try readString()
    case UInt8(ascii: "{"): try readCollection(.object)
    case UInt8(ascii: "["): try readCollection(.array)
    case UInt8(ascii: "t"): try readLiteral("true", .true)
    case UInt8(ascii: "f"): try readLiteral("false", .false)
    case UInt8(ascii: "n"): try readLiteral("null", .null)
    default: try readNumber()
    }
  }

  private mutating func readCollection(_ kind: JSONNode.Kind) throws(Refusal) {
    depth += 1
    guard depth <= Self.depthLimit else { throw Refusal() }
    let index = nodes.count
    try append(kind, offset..<offset + 1)
    offset += 1
    var count = 0
    let end: Unicode.Scalar = kind == .object ? "}" : "]"
    if !accept(end) {
      repeat {
        if kind == .object {
          skipSpace()
          try readString()
          try expect(":")
        }
        try readValue()
        count += 1
      } while accept(",")
      try expect(end)
    }
    nodes[index].close(count: count, next: nodes.count)
    depth -= 1
  }

  private mutating func readLiteral(_ text: StaticString, _ kind: JSONNode.Kind) throws(Refusal) {
    let start = offset
    offset += text.utf8CodeUnitCount
    guard offset <= bytes.count, text.withUTF8Buffer({ bytes[start..<offset].elementsEqual($0) }) else {
      throw Refusal()
    }
    try append(kind, start..<offset)
  }

  // MARK: Numbers

  /// `-0`, `12`, `0.5` or `1.5e-7`.
  private mutating func readNumber() throws(Refusal) {
    let start = offset
    var kind = JSONNode.Kind.integer
    skip("-")
    if !skip("0") { try readDigits() }
    if skip(".") {
      kind = .fraction
      try readDigits()
    }
    if skip("e") || skip("E") {
      kind = .fraction
      if !skip("-") { skip("+") }
      try readDigits()
    }
    try append(kind, start..<offset)
  }

  @discardableResult
  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func readDigits() throws(Refusal) {
    let start = offset
    while case UInt8(ascii: "0")...UInt8(ascii: "9") = peek {
      offset += 1
    }
    guard offset > start else { throw Refusal() }
  }

  // MARK: Strings

  private mutating func readString() throws(Refusal) {
    guard peek == UInt8(ascii: "\"") else { throw Refusal() }
    offset += 1
    let start = offset
    var kind = JSONNode.Kind.asciiString
    while true {
      offset = JSONText.endOfPlain(bytes.span, from: offset, stopsBeyondASCII: true)
      switch peek {
      case UInt8(ascii: "\""):
        try append(kind, start..<offset)
        offset += 1
        return
      case UInt8(ascii: "\\"):
        kind = .escapedString
        try readEscape()
      case 0x80...:
        if kind == .asciiString { kind = .unicodeString }
        try readSequence()
      default: throw Refusal()
      }
    }
  }

  private mutating func readEscape() throws(Refusal) {
    offset += 1
    let character = peek
    offset += 1
    switch character {
    case UInt8(ascii: "u"):
      switch try readFourDigits() {
      case 0xD800..<0xDC00:
        guard skip("\\"), skip("u"), (0xDC00..<0xE000).contains(try readFourDigits()) else { throw Refusal() }
      case 0xDC00..<0xE000: throw Refusal()
      default: break
      }
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      break
    default: throw Refusal()
    }
  }

  private mutating func readFourDigits() throws(Refusal) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit =
        switch peek {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): peek - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): peek - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): peek - UInt8(ascii: "A") + 10
        default: throw Refusal()
        }
      value = value << 4 | UInt32(digit)
      offset += 1
    }
    return value
  }

  /// One character beyond ASCII, in the shortest UTF-8, and no surrogate.
  private mutating func readSequence() throws(Refusal) {
    let first = peek
    offset += 1
    switch first {
    case 0xC2...0xDF: break
    case 0xE0: try readContinuation(0xA0...0xBF)
    case 0xED: try readContinuation(0x80...0x9F)
    case 0xE1...0xEF: try readContinuation()
    case 0xF0: try readContinuation(0x90...0xBF)
    case 0xF1...0xF3: try readContinuation()
    case 0xF4: try readContinuation(0x80...0x8F)
    default: throw Refusal()
    }
    if first >= 0xF0 { try readContinuation() }
    try readContinuation()
  }

  private mutating func readContinuation(_ range: ClosedRange<UInt8> = 0x80...0xBF) throws(Refusal) {
    guard range.contains(peek) else { throw Refusal() }
    offset += 1
  }
}
