/// Reads JSON from bytes, piece by piece, as its caller asks for it.
///
/// The receive's answer is read by this rather than by Foundation's decoder, for two reasons: one broken text in one
/// message would make Foundation's refuse the other nine as well, and it takes seven times as long. A lone surrogate
/// is kept as the three bytes that stand for it in generalized UTF-8, and broken UTF-8 is kept as it is: whoever
/// decodes the message finds it and says so.
struct JSONReader {
  struct SyntaxError: Error {
    /// In bytes.
    let offset: Int
  }

  /// Deeper than any answer of SQS's, and shallow enough for the stack.
  private static let depthLimit = 64

  private let bytes: [UInt8]
  private var offset = 0
  private var depth = 0
  /// Where escapes are resolved, of one string after the other; made for the first. As long as the input: no escape is
  /// shorter than what it stands for.
  private var resolved: [UInt8] = []

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// A member's name, its escapes resolved: no text is made of it before one is asked for.
  struct Name {
    fileprivate let bytes: ArraySlice<UInt8>

    var text: String { String(decoding: bytes, as: UTF8.self) }

    static func == (name: Name, text: StaticString) -> Bool {
      text.withUTF8Buffer { JSONText.areEqual(name.bytes, $0) }
    }

    static func ~= (text: StaticString, name: Name) -> Bool { name == text }
  }

  /// Reads an object: `member` is called at each value and must read or skip it.
  mutating func readObject(_ member: (inout JSONReader, Name) throws -> Void) throws {
    try enter("{")
    guard !accept("}") else { return leave() }
    repeat {
      let name = Name(bytes: try readStringBytes())
      try expect(":")
      try member(&self, name)
    } while accept(",")
    try expect("}")
    leave()
  }

  /// Reads an array: `element` is called at each value and must read or skip it.
  mutating func readArray(_ element: (inout JSONReader) throws -> Void) throws {
    try enter("[")
    guard !accept("]") else { return leave() }
    repeat {
      try element(&self)
    } while accept(",")
    try expect("]")
    leave()
  }

  /// Reads a string, its escapes resolved.
  mutating func readString() throws -> [UInt8] {
    Array(try readStringBytes())
  }

  /// A string, a number or a literal, as text; nil for null. Some servers quote their numbers and some do not.
  mutating func readText() throws -> String? {
    try readTextBytes().map { String(decoding: $0, as: UTF8.self) }
  }

  /// The same, of which no text is made.
  mutating func readTextBytes() throws -> ArraySlice<UInt8>? {
    skipSpace()
    if peek == UInt8(ascii: "\"") { return try readStringBytes() }
    let start = offset
    while let byte = peek, isLiteral(byte) {
      offset += 1
    }
    let literal = bytes[start..<offset]
    func isText(_ text: StaticString) -> Bool { Name(bytes: literal) == text }
    if isText("null") { return nil }
    guard JSONText.isNumber(literal) || isText("true") || isText("false") else { throw SyntaxError(offset: start) }
    return literal
  }

  /// Passes over a null.
  ///
  /// - Returns: false, with nothing passed over, where the value is another.
  mutating func readNull() throws -> Bool {
    skipSpace()
    guard peek == UInt8(ascii: "n") else { return false }
    return try readTextBytes() == nil
  }

  /// Passes over a value of any kind.
  mutating func skipValue() throws {
    skipSpace()
    switch peek {
    case UInt8(ascii: "{"): try readObject { reader, _ in try reader.skipValue() }
    case UInt8(ascii: "["): try readArray { try $0.skipValue() }
    case UInt8(ascii: "\""): _ = try readStringBytes()
    default: _ = try readTextBytes()
    }
  }

  /// Checks that nothing follows.
  mutating func finish() throws {
    skipSpace()
    guard offset == bytes.count else { throw SyntaxError(offset: offset) }
  }

  /// That what comes next is not what it should be.
  var syntaxError: SyntaxError { SyntaxError(offset: offset) }

  private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func next() throws -> UInt8 {
    guard let byte = peek else { throw SyntaxError(offset: offset) }
    offset += 1
    return byte
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      offset += 1
    }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard peek == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws {
    guard accept(character) else { throw SyntaxError(offset: offset) }
  }

  private mutating func enter(_ character: Unicode.Scalar) throws {
    try expect(character)
    depth += 1
    guard depth <= Self.depthLimit else { throw SyntaxError(offset: offset) }
  }

  private mutating func leave() {
    depth -= 1
  }

  private func isLiteral(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "E"),
      UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// A part of the input, where no escape is to be resolved.
  private mutating func readStringBytes() throws -> ArraySlice<UInt8> {
    try expect("\"")
    let start = offset
    offset = JSONText.endOfPlain(bytes.span, from: offset)
    guard peek == UInt8(ascii: "\\") else {
      let end = offset
      guard try next() == UInt8(ascii: "\"") else { throw SyntaxError(offset: end) }
      return bytes[start..<end]
    }
    offset = start
    return try readEscapedString()[...]
  }

  private mutating func readEscapedString() throws -> [UInt8] {
    var resolved: [UInt8] = []
    swap(&resolved, &self.resolved)
    defer { swap(&resolved, &self.resolved) }
    if resolved.isEmpty { resolved = [UInt8](repeating: 0, count: bytes.count) }
    let length = try resolveEscapes(to: resolved.mutableSpan)
    return Array(resolved[..<length])
  }

  /// - Returns: how many bytes there are without escapes.
  private mutating func resolveEscapes(to resolved: consuming MutableSpan<UInt8>) throws -> Int {
    var length = 0
    while true {
      let end = JSONText.copyPlain(bytes.span, from: offset, to: &resolved, at: length)
      length += end - offset
      offset = end
      switch try next() {
      case UInt8(ascii: "\""): return length
      case UInt8(ascii: "\\"): JSONText.put(try readEscape(), to: &resolved, at: &length)
      default: throw SyntaxError(offset: end)
      }
    }
  }

  /// The code point that an escape stands for.
  private mutating func readEscape() throws -> UInt32 {
    switch try next() {
    case UInt8(ascii: "n"): return 0x0A
    case UInt8(ascii: "t"): return 0x09
    case UInt8(ascii: "r"): return 0x0D
    case UInt8(ascii: "b"): return 0x08
    case UInt8(ascii: "f"): return 0x0C
    case let byte where byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "/"):
      return UInt32(byte)
    case UInt8(ascii: "u"): return try readCodePoint()
    default: throw SyntaxError(offset: offset - 1)
    }
  }

  /// Four digits, or two times four where they make a surrogate pair.
  private mutating func readCodePoint() throws -> UInt32 {
    let first = try readFourDigits()
    guard (0xD800..<0xDC00).contains(first) else { return first }
    let afterFirst = offset
    if peek == UInt8(ascii: "\\") {
      offset += 1
      if peek == UInt8(ascii: "u") {
        offset += 1
        let second = try readFourDigits()
        if (0xDC00..<0xE000).contains(second) {
          return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
        }
      }
    }
    offset = afterFirst
    return first
  }

  private mutating func readFourDigits() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = try next()
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
      default: throw SyntaxError(offset: offset - 1)
      }
    }
    return value
  }
}
