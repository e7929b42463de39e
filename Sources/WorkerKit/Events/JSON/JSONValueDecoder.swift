import Foundation

/// Decodes one value of a ``JSONDocument`` to the very value that Foundation's JSONDecoder makes of it.
/// Only the rule for names that an object has twice is another: see ``JSONDocument``.
///
/// Its errors are of the same cases and at the same coding paths as Foundation's, for a type that catches one.
/// ``EventDecoder`` makes of them what a person can act on.
final class JSONValueDecoder: Decoder {
  let document: JSONDocument
  /// Its value's, in the document.
  let index: Int
  private let parent: JSONValueDecoder?
  private let key: (any CodingKey)?

  convenience init(_ document: JSONDocument) {
    self.init(document, JSONDocument.root, parent: nil, key: nil)
  }

  private init(_ document: JSONDocument, _ index: Int, parent: JSONValueDecoder?, key: (any CodingKey)?) {
    self.document = document
    self.index = index
    self.parent = parent
    self.key = key
  }

  /// For a value that this one holds.
  func child(_ index: Int, _ key: any CodingKey) -> JSONValueDecoder {
    JSONValueDecoder(document, index, parent: self, key: key)
  }

  var node: JSONNode { document.nodes[index] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  var codingPath: [any CodingKey] {
    var path: [any CodingKey] = []
    var next: JSONValueDecoder? = self
    while let decoder = next, let key = decoder.key {
      path.append(key)
      next = decoder.parent
    }
    path.reverse()
    return path
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard node.kind == .object else { throw mismatch([String: Any].self) }
    return KeyedDecodingContainer(JSONObjectContainer(self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard node.kind == .array else { throw mismatch([Any].self) }
    return JSONArrayContainer(self)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

  func context(_ text: String) -> DecodingError.Context {
    DecodingError.Context(codingPath: codingPath, debugDescription: text)
  }

  private func mismatch(_ type: any Any.Type) -> DecodingError {
    node.kind == .null
      ? .valueNotFound(type, context("null came"))
      : .typeMismatch(type, context("a value of another type came"))
  }

  /// Why the value is none of this type.
  func refusal<Value: JSONPrimitive>(of type: Value.Type) -> any Error {
    if type == Bool.self { return DecodingError.typeMismatch(type, context("a value of another type came")) }
    if type != String.self, node.isNumber { return unrepresentable(type) }
    return mismatch(type)
  }

  private func unrepresentable(_ type: any Any.Type) -> UnrepresentableNumber {
    UnrepresentableNumber(type: type, codingPath: codingPath)
  }
}

/// A number that its type cannot hold. It is no `DecodingError`, as little as Foundation's is.
struct UnrepresentableNumber: Error {
  let type: any Any.Type
  let codingPath: [any CodingKey]
}

extension JSONValueDecoder: SingleValueDecodingContainer {
  func decodeNil() -> Bool { node.kind == .null }

  func decode<Value: JSONPrimitive>(_ type: Value.Type) throws -> Value { try primitive() }
  // By name: the protocol has a default for these two, which throws, and would take it.
  func decode(_ type: Int128.Type) throws -> Int128 { try primitive() }
  func decode(_ type: UInt128.Type) throws -> UInt128 { try primitive() }

  private func primitive<Value: JSONPrimitive>() throws -> Value {
    do {
      return try Value(node, of: document)
    } catch {
      throw refusal(of: Value.self)
    }
  }

  /// Four types come from JSON in another way than their own `init(from:)` asks for.
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    if type == Date.self || type == URL.self || type == Data.self || type == Decimal.self {
      return try decodeSpecially(type)
    }
    return try Value(from: self)
  }

  // Apart, because each call would otherwise ask the runtime for types that only these four need.
  @inline(never)
  private func decodeSpecially<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let special: Any
    if type == Date.self {
      special = try date()
    } else if type == URL.self {
      special = try url()
    } else if type == Data.self {
      special = try data()
    } else {
      special = try decimal()
    }
    guard let value = special as? Value else { throw mismatch(type) }
    return value
  }

  private func date() throws -> Date {
    guard node.kind != .null else { throw mismatch(Date.self) }
    return try EventDecoder.date(from: self)
  }

  private func url() throws -> URL {
    guard node.kind != .null else { throw mismatch(URL.self) }
    guard let url = URL(string: try decode(String.self)) else {
      throw DecodingError.dataCorrupted(context("expected a URL, but the text that came is none"))
    }
    return url
  }

  private func data() throws -> Data {
    guard node.kind != .null else { throw mismatch(Data.self) }
    guard node.isString else { throw mismatch(String.self) }
    guard let data = document.string(node).flatMap({ Data(base64Encoded: $0) }) else {
      throw DecodingError.dataCorrupted(context("expected bytes in Base64, but the text that came is none"))
    }
    return data
  }

  private func decimal() throws -> Decimal {
    guard node.isNumber else { throw mismatch(Decimal.self) }
    guard let decimal = document.foundationValue(Decimal.self, of: node) else { throw unrepresentable(Decimal.self) }
    return decimal
  }
}
