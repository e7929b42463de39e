/// An array's values, one after the other.
struct JSONArrayContainer: UnkeyedDecodingContainer {
  private let decoder: JSONValueDecoder
  private var next: Int
  private(set) var currentIndex = 0

  init(_ decoder: JSONValueDecoder) {
    self.decoder = decoder
    next = decoder.index + 1
  }

  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { Int(decoder.node.count) }
  var isAtEnd: Bool { next == decoder.node.next }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd else { throw end(Never.self) }
    guard decoder.document.nodes[next].kind == .null else { return false }
    advance()
    return true
  }

  mutating func decode<Value: JSONPrimitive>(_ type: Value.Type) throws -> Value { try primitive() }
  // By name: the protocol has a default for these two, which throws, and would take it.
  mutating func decode(_ type: Int128.Type) throws -> Int128 { try primitive() }
  mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try primitive() }

  private mutating func primitive<Value: JSONPrimitive>() throws -> Value {
    guard !isAtEnd else { throw end(Value.self) }
    do {
      let value = try Value(decoder.document.nodes[next], of: decoder.document)
      advance()
      return value
    } catch {
      throw child.refusal(of: Value.self)
    }
  }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try take(type) { try $0.decode(type) }
  }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try take(KeyedDecodingContainer<NestedKey>.self) { try $0.container(keyedBy: type) }
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try take((any UnkeyedDecodingContainer).self) { try $0.unkeyedContainer() }
  }

  mutating func superDecoder() throws -> any Decoder {
    try take((any Decoder).self) { $0 }
  }

  private var child: JSONValueDecoder { decoder.child(next, JSONKey(intValue: currentIndex)) }

  /// A value that cannot be decoded is not passed over.
  private mutating func take<Value>(
    _ type: any Any.Type, _ decode: (JSONValueDecoder) throws -> Value
  ) throws -> Value {
    guard !isAtEnd else { throw end(type) }
    let value = try decode(child)
    advance()
    return value
  }

  private mutating func advance() {
    next = decoder.document.nodes[next].next
    currentIndex += 1
  }

  private func end(_ type: any Any.Type) -> DecodingError {
    .valueNotFound(
      type,
      DecodingError.Context(
        codingPath: codingPath + [JSONKey(intValue: currentIndex)], debugDescription: "there are no more"))
  }
}
