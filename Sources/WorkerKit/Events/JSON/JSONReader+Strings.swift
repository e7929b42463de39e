/// Strings: passed over and checked, or read with their escapes resolved.
extension JSONReader {
  mutating func passString(_ strings: Strings) throws -> Token {
    try expect("\"")
    let start = offset
    var kind = JSONNode.Kind.asciiString
    while true {
      offset = JSONText.endOfPlain(bytes.span, from: offset, stopsBeyondASCII: strings == .checked)
      switch peek {
      case UInt8(ascii: "\""):
        offset += 1
        return (kind, start..<offset - 1)
      case UInt8(ascii: "\\"):
        kind = .escapedString
        offset += 1
        _ = try readEscape(strings)
      case 0x80...:
        if kind == .asciiString { kind = .unicodeString }
        try passSequence()
      default: throw syntaxError
      }
    }
  }

  /// One character beyond ASCII, in the shortest UTF-8, and no surrogate.
  private mutating func passSequence() throws {
    let first = peek
    offset += 1
    switch first {
    case 0xC2...0xDF: break
    case 0xE0: try passContinuation(0xA0...0xBF)
    case 0xED: try passContinuation(0x80...0x9F)
    case 0xE1...0xEF: try passContinuation()
    case 0xF0: try passContinuation(0x90...0xBF)
    case 0xF1...0xF3: try passContinuation()
    case 0xF4: try passContinuation(0x80...0x8F)
    default: throw syntaxError
    }
    if first >= 0xF0 { try passContinuation() }
    try passContinuation()
  }

  private mutating func passContinuation(_ range: ClosedRange<UInt8> = 0x80...0xBF) throws {
    guard range.contains(peek) else { throw syntaxError }
    offset += 1
  }

  /// A string as received. It is a part of the input where it has no escapes.
  mutating func readStringBytes() throws -> ArraySlice<UInt8> {
    try expect("\"")
    let start = offset
    offset = JSONText.endOfPlain(bytes.span, from: offset)
    guard peek == UInt8(ascii: "\\") else {
      guard skip("\"") else { throw syntaxError }
      return bytes[start..<offset - 1]
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
      if skip("\"") { return length }
      guard skip("\\") else { throw syntaxError }
      // The fast path: nearly all escapes are the quotes of a body.
      if skip("\"") {
        resolved[length] = UInt8(ascii: "\"")
        length += 1
      } else {
        JSONText.put(try readEscape(.asReceived), to: &resolved, at: &length)
      }
    }
  }

  /// The code point that an escape stands for, behind its backslash.
  private mutating func readEscape(_ strings: Strings) throws -> UInt32 {
    let character = peek
    offset += 1
    switch character {
    case UInt8(ascii: "n"): return 0x0A
    case UInt8(ascii: "t"): return 0x09
    case UInt8(ascii: "r"): return 0x0D
    case UInt8(ascii: "b"): return 0x08
    case UInt8(ascii: "f"): return 0x0C
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UInt32(character)
    case UInt8(ascii: "u"): return try readCodePoint(strings)
    default: throw SyntaxError(offset: offset - 1)
    }
  }

  /// Four digits, or two times four where they make a surrogate pair.
  private mutating func readCodePoint(_ strings: Strings) throws -> UInt32 {
    let start = offset
    let first = try readFourDigits()
    guard (0xD800..<0xE000).contains(first) else { return first }
    let afterFirst = offset
    if first < 0xDC00, skip("\\"), skip("u") {
      let second = try readFourDigits()
      if (0xDC00..<0xE000).contains(second) { return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00) }
    }
    guard strings == .asReceived else { throw SyntaxError(offset: start) }
    offset = afterFirst
    return first
  }

  private mutating func readFourDigits() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit =
        switch peek {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): peek - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): peek - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): peek - UInt8(ascii: "A") + 10
        default: throw syntaxError
        }
      value = value << 4 | UInt32(digit)
      offset += 1
    }
    return value
  }
}
