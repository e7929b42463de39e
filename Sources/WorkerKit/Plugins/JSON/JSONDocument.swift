/// A body that was read once and checked whole, with a note of where each of its values is.
///
/// What it has notes of is valid: every string is UTF-8 without lone surrogates, every number is JSON's.
final class JSONDocument: Sendable {
  /// The values in the body's order, each before what it holds; an object's keys before their values. Behind the
  /// last stands a null that is none of the body's.
  let nodes: [JSONNode]
  private let bytes: [UInt8]

  /// nil where the body is not JSON, and where it is JSON of a kind that is left to Foundation: see ``JSONParser``.
  init?(_ bytes: [UInt8]) {
    var parser = JSONParser(bytes)
    guard (try? parser.parse()) != nil else { return nil }
    self.bytes = bytes
    nodes = parser.nodes
  }

  static let root = 0
  var absent: Int { nodes.count - 1 }

  /// The text that the body, an object, has under a name.
  func text(of name: String) -> String? {
    guard nodes[Self.root].kind == .object, let value = member(name, of: Self.root) else { return nil }
    return string(nodes[value])
  }

  /// nil where the node is no string.
  func string(_ node: JSONNode) -> String? {
    switch node.kind {
    case .asciiString, .unicodeString: String(decoding: bytes[node.range], as: UTF8.self)
    case .escapedString: unescaped(node)
    default: nil
    }
  }

  private func unescaped(_ node: JSONNode) -> String? {
    var reader = JSONReader(Array(literal(node)))
    return (try? reader.readString()).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The value as the body has it; of strings, numbers and literals.
  func literal(_ node: JSONNode) -> ArraySlice<UInt8> {
    node.isString ? bytes[node.range.lowerBound - 1...node.range.upperBound] : bytes[node.range]
  }

  /// nil where the node is no number, or one that needs more care: a fraction, an exponent, more than 18 digits,
  /// a zero with a sign.
  func plainInteger(_ node: JSONNode) -> Int64? {
    node.kind == .integer ? JSONText.integer(bytes[node.range]) : nil
  }

  /// The value of an object's first member of that name.
  func member(_ name: String, of object: Int) -> Int? {
    var contiguous = name
    return contiguous.withUTF8 { utf8 in
      let isASCII = utf8.allSatisfy { $0 < 0x80 }
      var key = object + 1
      let end = nodes[object].next
      while key < end {
        let node = nodes[key]
        // Strings of Swift are equal where Unicode calls them so, and then their bytes can differ, unless all is ASCII.
        let isEqual =
          isASCII && node.kind == .asciiString ? JSONText.areEqual(bytes[node.range], utf8) : string(node) == name
        if isEqual { return key + 1 }
        key = nodes[key + 1].next
      }
      return nil
    }
  }

  /// An object's members by name, in the body's order; of those with the same name the first.
  func members(of object: Int) -> [(name: String, value: Int)] {
    var names: Set<String> = []
    var members: [(name: String, value: Int)] = []
    var key = object + 1
    while key < nodes[object].next {
      if let name = string(nodes[key]), names.insert(name).inserted {
        members.append((name, key + 1))
      }
      key = nodes[key + 1].next
    }
    return members
  }
}

/// One value of a ``JSONDocument``, or one key.
struct JSONNode {
  enum Kind: UInt8 {
    case null, `true`, `false`
    /// Without a fraction and an exponent.
    case integer
    case fraction
    /// Without escapes, and all ASCII.
    case asciiString
    /// Without escapes.
    case unicodeString
    case escapedString
    case array
    case object
  }

  let kind: Kind
  private let start: UInt32
  private let end: UInt32
  /// How many elements or members it has.
  private(set) var count = 0 as UInt32
  private var nextIndex: UInt32

  init(_ kind: Kind, _ range: Range<Int>, at index: Int) {
    self.kind = kind
    start = UInt32(range.lowerBound)
    end = UInt32(range.upperBound)
    nextIndex = UInt32(index + 1)
  }

  /// Where it is in the body: a string without its quotes, of an object and an array the first byte.
  var range: Range<Int> { Int(start)..<Int(end) }
  /// The node behind it, and behind all that it holds.
  var next: Int { Int(nextIndex) }

  var isString: Bool { kind == .asciiString || kind == .unicodeString || kind == .escapedString }
  var isNumber: Bool { kind == .integer || kind == .fraction }

  mutating func close(count: Int, next: Int) {
    self.count = UInt32(count)
    nextIndex = UInt32(next)
  }
}
