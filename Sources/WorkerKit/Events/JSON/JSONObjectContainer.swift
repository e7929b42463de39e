/// An object's values by their keys.
struct JSONObjectContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  private let decoder: JSONValueDecoder
  /// The values of a large object: one key after the other would take too long to compare.
  private let valuesByName: [String: Int]?

  init(_ decoder: JSONValueDecoder) {
    self.decoder = decoder
    valuesByName =
      decoder.node.count <= 16
      ? nil
      : Dictionary(uniqueKeysWithValues: decoder.document.members(of: decoder.index).map { ($0.name, $0.value) })
  }

  var codingPath: [any CodingKey] { decoder.codingPath }

  var allKeys: [Key] {
    decoder.document.members(of: decoder.index).compactMap { Key(stringValue: $0.name) }
  }

  func contains(_ key: Key) -> Bool { find(key.stringValue) != nil }

  func decodeNil(forKey key: Key) throws -> Bool {
    decoder.document.nodes[try value(key)].kind == .null
  }

  func decode<Value: JSONPrimitive>(_ type: Value.Type, forKey key: Key) throws -> Value { try primitive(key) }
  // By name: the protocol has a default for these two, which throws, and would take it.
  func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try primitive(key) }
  func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try primitive(key) }

  private func primitive<Value: JSONPrimitive>(_ key: Key) throws -> Value {
    let index = try value(key)
    do {
      return try Value(decoder.document.nodes[index], of: decoder.document)
    } catch {
      throw decoder.child(index, key).refusal(of: Value.self)
    }
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try child(key).decode(type)
  }

  func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    guard let index = find(key.stringValue), decoder.document.nodes[index].kind != .null else { return nil }
    return try decoder.child(index, key).decode(type)
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try child(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try child(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { presentOrNull(JSONKey.super) }
  func superDecoder(forKey key: Key) throws -> any Decoder { presentOrNull(key) }

  private func presentOrNull(_ key: any CodingKey) -> JSONValueDecoder {
    decoder.child(find(key.stringValue) ?? decoder.document.absent, key)
  }

  private func child(_ key: Key) throws -> JSONValueDecoder {
    decoder.child(try value(key), key)
  }

  private func value(_ key: Key) throws -> Int {
    guard let index = find(key.stringValue) else {
      throw DecodingError.keyNotFound(key, decoder.context("it is missing"))
    }
    return index
  }

  private func find(_ name: String) -> Int? {
    if let valuesByName { return valuesByName[name] }
    return decoder.document.member(name, of: decoder.index)
  }
}

/// A key that no type of the event's declares.
struct JSONKey: CodingKey {
  static let `super` = JSONKey(stringValue: "super")

  let stringValue: String
  let intValue: Int?

  init(stringValue: String) {
    self.stringValue = stringValue
    intValue = nil
  }

  init(intValue: Int) {
    stringValue = "Index \(intValue)"
    self.intValue = intValue
  }
}
