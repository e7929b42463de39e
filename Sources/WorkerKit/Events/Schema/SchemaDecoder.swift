import Foundation

/// Gives a type made-up values, and notes in a ``SchemaNode`` what it asked for.
struct SchemaDecoder: Decoder {
  /// A type can hold itself: this far down lists are empty, and what can be missing is.
  private static let depthLimit = 8

  let node: SchemaNode
  let trial: SchemaTrial
  var codingPath: [any CodingKey] = []
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  var isNull: Bool { trial.null === node }
  var isTooDeep: Bool { node.depth > Self.depthLimit }
  var hasChildren: Bool { node.depth < Self.depthLimit }

  func value<Value: Decodable>(_ type: Value.Type) throws -> Value {
    // Made-up values can lead a type that holds itself on and on.
    guard node.depth <= 4 * Self.depthLimit else { throw SampleRefused(path: node.path, type: "\(type)") }
    guard trial.missing !== node else {
      throw DecodingError.valueNotFound(type, context("it is missing"))
    }
    do {
      if let sample = try SchemaSample(of: type) {
        node.shape = .value(sample.schema)
        if isNull { return try EventDecoder.decode(type, from: Array("null".utf8)) }
        guard let value = sample.value as? Value else {
          throw SampleRefused(path: node.path, type: "\(type)")
        }
        return value
      }
      return try Value(from: self)
    } catch let refusal as SampleRefused {
      throw SampleRefused(path: refusal.path.isEmpty ? node.path : refusal.path, type: refusal.type)
    } catch  where trial.missing == nil && trial.null == nil {
      throw SampleRefused(path: node.path, type: "\(type)")
    }
  }

  func at(_ node: SchemaNode, _ key: any CodingKey) -> SchemaDecoder {
    SchemaDecoder(node: node, trial: trial, codingPath: codingPath + [key])
  }

  func context(_ text: String) -> DecodingError.Context {
    DecodingError.Context(codingPath: codingPath, debugDescription: text)
  }

  private func refuseNull(_ type: any Any.Type) throws {
    guard !isNull else { throw DecodingError.valueNotFound(type, context("it is null")) }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    if case .open = node.shape { node.shape = .object }
    try refuseNull([String: Any].self)
    return KeyedDecodingContainer(SchemaKeyedContainer(decoder: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    _ = node.element()
    try refuseNull([Any].self)
    return SchemaUnkeyedContainer(decoder: self)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { SchemaValueContainer(decoder: self) }
}

private struct SchemaValueContainer: SingleValueDecodingContainer {
  let decoder: SchemaDecoder
  var codingPath: [any CodingKey] { decoder.codingPath }

  func decodeNil() -> Bool { decoder.isNull || decoder.isTooDeep }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.value(type) }
}

private struct SchemaKeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: SchemaDecoder
  var codingPath: [any CodingKey] { decoder.codingPath }

  private static var anyKey: Key? { Key(stringValue: "any key") }

  /// One where any key will do, as in a dictionary; none where the keys are known, for they are asked for by name.
  var allKeys: [Key] {
    guard decoder.hasChildren, let key = Self.anyKey else { return [] }
    return [key]
  }

  private func field(_ key: Key) -> SchemaDecoder {
    let isAnyKey = Self.anyKey?.stringValue == key.stringValue
    return decoder.at(isAnyKey ? decoder.node.dictionaryValue() : decoder.node.field(key.stringValue), key)
  }

  func contains(_ key: Key) -> Bool {
    let field = field(key)
    return field.trial.missing !== field.node && !field.isTooDeep
  }

  func decodeNil(forKey key: Key) throws -> Bool {
    try found(key).isNull
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try found(key).value(type)
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try found(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try found(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { decoder }
  func superDecoder(forKey key: Key) throws -> any Decoder { try found(key) }

  private func found(_ key: Key) throws -> SchemaDecoder {
    let field = field(key)
    guard field.trial.missing !== field.node else {
      throw DecodingError.keyNotFound(key, decoder.context("it is missing"))
    }
    return field
  }
}

private struct SchemaUnkeyedContainer: UnkeyedDecodingContainer {
  let decoder: SchemaDecoder
  private(set) var currentIndex = 0

  init(decoder: SchemaDecoder) {
    self.decoder = decoder
  }

  var codingPath: [any CodingKey] { decoder.codingPath }
  private var element: SchemaDecoder { decoder.at(decoder.node.element(), SchemaIndex(currentIndex)) }
  private var length: Int { element.isTooDeep || element.trial.missing === element.node ? 0 : 1 }
  var count: Int? { length }
  var isAtEnd: Bool { currentIndex >= length }

  mutating func decodeNil() throws -> Bool {
    guard element.isNull else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try next().value(type)
  }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try next().container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next().unkeyedContainer()
  }

  mutating func superDecoder() throws -> any Decoder { try next() }

  private mutating func next() throws -> SchemaDecoder {
    guard !isAtEnd else { throw DecodingError.valueNotFound(Any.self, decoder.context("there are no more")) }
    defer { currentIndex += 1 }
    return element
  }
}

private struct SchemaIndex: CodingKey {
  let intValue: Int?
  var stringValue: String { "\(intValue ?? 0)" }

  init(_ index: Int) { intValue = index }
  init?(intValue: Int) { self.init(intValue) }
  init?(stringValue: String) { nil }
}
