/// Reads JSON from bytes, piece by piece, as its caller asks for it. It is the only scanner of JSON for events and for SQS's
/// responses.
///
/// | reads | how | strings |
/// |---|---|---|
/// | SQS's response to a receive or a batch | member by member, into the result | ``Strings/asReceived`` |
/// | an event's body | whole, into a ``JSONDocument`` | ``Strings/checked`` |
package struct JSONReader {
  package struct SyntaxError: Error {
    /// In bytes.
    package let offset: Int
    var isTooDeep = false
  }

  /// Which strings are accepted.
  enum Strings {
    /// Any. One broken string in one message must not cost the other nine: broken UTF-8 is kept, and a lone surrogate becomes
    /// the three bytes that stand for it in generalized UTF-8. The decoder of the message's body finds them.
    case asReceived
    /// Valid UTF-8 without lone surrogates.
    case checked
  }

  /// What is read without its parts: its kind, and where it is; a string without its quotes.
  typealias Token = (kind: JSONNode.Kind, range: Range<Int>)

  private let depthLimit: Int
  let bytes: [UInt8]
  var offset = 0
  private var depth = 0
  /// Where escapes are resolved, of one string after the other; made for the first. As long as the input: no escape is
  /// shorter than what it stands for.
  var resolved: [UInt8] = []

  package init(_ bytes: [UInt8]) {
    // Deeper than any response of SQS's, and shallow enough for the stack.
    self.init(bytes, depthLimit: 64)
  }

  init(_ bytes: [UInt8], depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }

  /// A member's name, its escapes resolved. No `String` is made of it before one is asked for.
  package struct Name {
    @usableFromInline let bytes: ArraySlice<UInt8>

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    @inlinable package static func == (name: Name, text: StaticString) -> Bool {
      // Most names differ in their length.
      name.bytes.count == text.utf8CodeUnitCount && text.withUTF8Buffer { JSONText.areEqual(name.bytes, $0) }
    }

    @inlinable package static func ~= (text: StaticString, name: Name) -> Bool { name == text }
  }

  /// Reads an object: `member` is called at each value and must read or skip it.
  package mutating func readObject(_ member: (inout JSONReader, Name) throws -> Void) throws {
    try readCollection("{", "}") { reader in
      let name = Name(bytes: try reader.readStringBytes())
      try reader.expect(":")
      try member(&reader, name)
    }
  }

  /// Reads an array: `element` is called at each value and must read or skip it.
  package mutating func readArray(_ element: (inout JSONReader) throws -> Void) throws {
    try readCollection("[", "]", element)
  }

  package mutating func readObjectOrNull(_ member: (inout JSONReader, Name) throws -> Void) throws {
    if try !readNull() { try readObject(member) }
  }

  package mutating func readArrayOrNull(_ element: (inout JSONReader) throws -> Void) throws {
    if try !readNull() { try readArray(element) }
  }

  /// Reads a string as received, its escapes resolved.
  package mutating func readString() throws -> [UInt8] {
    Array(try readStringBytes())
  }

  /// A string, a number or a literal, as text; nil for null. Some servers quote their numbers and some do not.
  package mutating func readText() throws -> String? {
    try readTextBytes().map { String(decoding: $0, as: UTF8.self) }
  }

  /// The same, of which no `String` is made.
  package mutating func readTextBytes() throws -> ArraySlice<UInt8>? {
    if peekToken() == UInt8(ascii: "\"") { return try readStringBytes() }
    let (kind, range) = try passScalar(.asReceived)
    return kind == .null ? nil : bytes[range]
  }

  /// Passes over a null.
  ///
  /// - Returns: false, with nothing passed over, where the value is another.
  package mutating func readNull() throws -> Bool {
    guard peekToken() == UInt8(ascii: "n") else { return false }
    _ = try passScalar(.asReceived)
    return true
  }

  /// Passes over a value of any kind.
  package mutating func skipValue() throws {
    switch peekToken() {
    case UInt8(ascii: "{"): try readObject { reader, _ in try reader.skipValue() }
    case UInt8(ascii: "["): try readArray { try $0.skipValue() }
    default: _ = try passScalar(.asReceived)
    }
  }

  /// Checks that nothing follows.
  package mutating func finish() throws {
    skipSpace()
    guard offset == bytes.count else { throw syntaxError }
  }

  /// The error that what comes next is not what is expected.
  package var syntaxError: SyntaxError { SyntaxError(offset: offset) }

  // MARK: Tokens

  /// The first byte behind white space; 0 at the end.
  mutating func peekToken() -> UInt8 {
    skipSpace()
    return peek
  }

  @inline(__always)
  private mutating func readCollection(
    _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, _ element: (inout JSONReader) throws -> Void
  ) throws {
    try enter(opening)
    guard try hasNext(before: closing, isFirst: true) else { return }
    repeat {
      try element(&self)
    } while try hasNext(before: closing, isFirst: false)
  }

  /// Passes over an opening bracket. Calls of ``hasNext(before:isFirst:)`` must follow until it returns false.
  mutating func enter(_ opening: Unicode.Scalar) throws {
    try expect(opening)
    depth += 1
    guard depth <= depthLimit else { throw SyntaxError(offset: offset, isTooDeep: true) }
  }

  /// Passes over the comma before another element or member, or over the closing bracket.
  @inline(__always)
  mutating func hasNext(before closing: Unicode.Scalar, isFirst: Bool) throws -> Bool {
    if isFirst ? !accept(closing) : accept(",") { return true }
    if !isFirst { try expect(closing) }
    depth -= 1
    return false
  }

  /// Passes over a member's name and the colon behind it.
  mutating func passName(_ strings: Strings) throws -> Token {
    let name = try passString(strings)
    try expect(":")
    return name
  }

  /// Passes over a string, a number or a literal.
  mutating func passScalar(_ strings: Strings) throws -> Token {
    switch peekToken() {
    case UInt8(ascii: "\""): try passString(strings)
    case UInt8(ascii: "t"): try passLiteral("true", .true)
    case UInt8(ascii: "f"): try passLiteral("false", .false)
    case UInt8(ascii: "n"): try passLiteral("null", .null)
    default: try passNumber()
    }
  }

  /// 0 at the end: no JSON has that byte.
  var peek: UInt8 { offset < bytes.count ? bytes[offset] : 0 }

  @inline(__always)
  private mutating func skipSpace() {
    if peek <= 0x20 { skipSpaces() }
  }

  private mutating func skipSpaces() {
    while peek == 0x20 || peek == 0x0A || peek == 0x0D || peek == 0x09 {
      offset += 1
    }
  }

  @inline(__always) @discardableResult
  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  @inline(__always)
  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    return skip(character)
  }

  @inline(__always)
  mutating func expect(_ character: Unicode.Scalar) throws {
    guard accept(character) else { throw syntaxError }
  }

  private mutating func passLiteral(_ text: StaticString, _ kind: JSONNode.Kind) throws -> Token {
    let range = offset..<offset + text.utf8CodeUnitCount
    guard range.upperBound <= bytes.count, text.withUTF8Buffer({ JSONText.areEqual(bytes[range], $0) }) else {
      throw syntaxError
    }
    offset = range.upperBound
    return (kind, range)
  }

  /// `-0`, `12`, `0.5` or `1.5e-7`.
  private mutating func passNumber() throws -> Token {
    let start = offset
    var kind = JSONNode.Kind.integer
    skip("-")
    if !skip("0") { try passDigits() }
    if skip(".") {
      kind = .fraction
      try passDigits()
    }
    if skip("e") || skip("E") {
      kind = .fraction
      if !skip("-") { skip("+") }
      try passDigits()
    }
    return (kind, start..<offset)
  }

  private mutating func passDigits() throws {
    let start = offset
    while case UInt8(ascii: "0")...UInt8(ascii: "9") = peek {
      offset += 1
    }
    guard offset > start else { throw syntaxError }
  }
}
