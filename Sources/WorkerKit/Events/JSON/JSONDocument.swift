/// A body that was read once and checked whole, with a note of where each of its values is.
///
/// What it has notes of is valid: every string is UTF-8 without lone surrogates, every number is JSON's. Where an object has
/// a name twice, the last member counts.
final class JSONDocument: Sendable {
  /// The values in the body's order, each before what it holds; an object's keys before their values. Behind the
  /// last stands a null that is none of the body's.
  let nodes: [JSONNode]
  private let bytes: [UInt8]

  /// - Throws: ``JSONReader/SyntaxError`` where the body is not JSON.
  init(_ bytes: [UInt8]) throws {
    // Positions and nodes, of which there are no more than bytes and one, are counted with 32 bits.
    guard bytes.count <= Int32.max else { throw JSONReader.SyntaxError(offset: Int(Int32.max)) }
    var reader = JSONReader(bytes, depthLimit: Self.depthLimit)
    var list = JSONNodeList(bytes.count)
    try list.read(&reader)
    try reader.finish()
    list.append((.null, bytes.count..<bytes.count))
    self.bytes = bytes
    nodes = list.nodes
  }

  /// Foundation's. Reading needs no stack for it, but the types that are decoded do.
  static let depthLimit = 512
  static let root = 0
  var absent: Int { nodes.count - 1 }

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

  /// The value as the body has it.
  func literal(_ node: JSONNode) -> ArraySlice<UInt8> {
    node.isString ? bytes[node.range.lowerBound - 1...node.range.upperBound] : bytes[node.range]
  }

  /// nil where the node is no number, or one that needs more care: a fraction, an exponent, more than 18 digits,
  /// a zero with a sign.
  func plainInteger(_ node: JSONNode) -> Int64? {
    node.kind == .integer ? JSONText.integer(bytes[node.range]) : nil
  }

  /// The value that an object has under a name; nil where the node is no object.
  func member(_ name: String, of object: Int) -> Int? {
    find(name, in: object)?.value
  }

  /// The same, and whether the object has the name more than once.
  func find(_ name: String, in object: Int) -> (value: Int, isRepeated: Bool)? {
    guard nodes[object].kind == .object else { return nil }
    var contiguous = name
    return contiguous.withUTF8 { utf8 in
      let isASCII = utf8.allSatisfy { $0 < 0x80 }
      var found: (value: Int, isRepeated: Bool)?
      var key = object + 1
      let end = nodes[object].next
      while key < end {
        let node = nodes[key]
        // Strings of Swift are equal where Unicode calls them so, and then their bytes can differ, unless all is ASCII.
        let isEqual =
          isASCII && node.kind == .asciiString
          ? node.length == utf8.count && JSONText.areEqual(bytes[node.range], utf8) : string(node) == name
        if isEqual { found = (key + 1, found != nil) }
        key = nodes[key + 1].next
      }
      return found
    }
  }

  /// An object's members by name, in the body's order.
  func members(of object: Int) -> [(name: String, value: Int)] {
    var places: [String: Int] = [:]
    var members: [(name: String, value: Int)] = []
    var key = object + 1
    while key < nodes[object].next {
      if let name = string(nodes[key]) {
        if let place = places[name] {
          members[place].value = key + 1
        } else {
          places[name] = members.count
          members.append((name, key + 1))
        }
      }
      key = nodes[key + 1].next
    }
    return members
  }

  /// The value that a coding path leads to; nil where the body has none.
  func value(at path: [any CodingKey]) -> JSONNode? {
    var index: Int? = Self.root
    for key in path {
      index = index.flatMap { member(key.stringValue, of: $0) ?? element(key.intValue, of: $0) }
    }
    return index.map { nodes[$0] }
  }

  func element(_ position: Int?, of array: Int) -> Int? {
    guard let position, nodes[array].kind == .array, (0..<Int(nodes[array].count)).contains(position) else {
      return nil
    }
    var element = array + 1
    for _ in 0..<position { element = nodes[element].next }
    return element
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
  private var end: UInt32
  /// How many elements or members it has.
  fileprivate(set) var count = 0 as UInt32
  /// Of a collection that is still read, one more than the node of the collection that it is in, or 0.
  private var nextIndex: UInt32

  init(_ token: JSONReader.Token, at index: Int) {
    kind = token.kind
    start = UInt32(truncatingIfNeeded: token.range.lowerBound)
    end = UInt32(truncatingIfNeeded: token.range.upperBound)
    nextIndex = UInt32(truncatingIfNeeded: index + 1)
  }

  /// Where it is in the body; a string without its quotes.
  var range: Range<Int> { Int(start)..<Int(end) }
  var length: Int { Int(end &- start) }
  /// The node behind it, and behind all that it holds.
  var next: Int { Int(nextIndex) }

  var isString: Bool { kind == .asciiString || kind == .unicodeString || kind == .escapedString }
  var isNumber: Bool { kind == .integer || kind == .fraction }

  /// The collection that it is in, while it is read.
  fileprivate var collection: Int? {
    get { nextIndex == 0 ? nil : Int(nextIndex) - 1 }
    set { nextIndex = newValue.map { UInt32($0 + 1) } ?? 0 }
  }

  /// - Returns: the collection that it is in.
  fileprivate mutating func close(at end: Int, next: Int) -> Int? {
    let outer = collection
    self.end = UInt32(end)
    nextIndex = UInt32(next)
    return outer
  }
}

/// The nodes of a document while it is read.
private struct JSONNodeList {
  private(set) var nodes: [JSONNode] = []

  init(_ byteCount: Int) {
    // An event's field has about this many bytes, and two nodes. A body without fields should not cost more.
    nodes.reserveCapacity(min(byteCount / 12, 256) + 4)
  }

  mutating func append(_ token: JSONReader.Token) {
    nodes.append(JSONNode(token, at: nodes.count))
  }

  /// Collections that are open are kept in the nodes rather than on the stack, which is small on some threads.
  mutating func read(_ reader: inout JSONReader) throws {
    var open: Int?
    repeat {
      if let open, nodes[open].kind == .object { append(try reader.passName(.checked)) }
      switch reader.peekToken() {
      case UInt8(ascii: "{"):
        try reader.enter("{")
        begin(.object, at: reader.offset - 1, in: &open)
      case UInt8(ascii: "["):
        try reader.enter("[")
        begin(.array, at: reader.offset - 1, in: &open)
      default: append(try reader.passScalar(.checked))
      }
      while let index = open {
        let node = nodes[index]
        guard try !reader.hasNext(before: node.kind == .object ? "}" : "]", isFirst: node.count == 0) else { break }
        open = nodes[index].close(at: reader.offset, next: nodes.count)
      }
      if let open { nodes[open].count += 1 }
    } while open != nil
  }

  private mutating func begin(_ kind: JSONNode.Kind, at start: Int, in open: inout Int?) {
    append((kind, start..<start))
    nodes[nodes.count - 1].collection = open
    open = nodes.count - 1
  }
}
