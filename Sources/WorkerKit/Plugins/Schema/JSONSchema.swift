/// A schema in JSON Schema's words, draft 2020-12.
///
///     static let jsonSchema: JSONSchema = ["type": "string", "pattern": "^[a-z]+$", "examples": ["abc"]]
public struct JSONSchema: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// What it says, by keyword.
  public var keywords: [String: JSONValue]

  public init(_ keywords: [String: JSONValue]) {
    self.keywords = keywords
  }

  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(Dictionary(elements) { _, last in last })
  }

  public subscript(keyword: String) -> JSONValue? {
    get { keywords[keyword] }
    set { keywords[keyword] = newValue }
  }

  var value: JSONValue { .object(keywords) }
}

extension JSONSchema: Encodable {
  public func encode(to encoder: any Encoder) throws {
    try value.encode(to: encoder)
  }
}

/// A type of an event's fields that says itself what JSON it decodes from.
///
/// Types that the worker can find out about need not conform: structs of such types, numbers, text, dates, lists,
/// dictionaries, and enums that are `CaseIterable`. One that accepts only some values of a type should, so that the
/// schema of its event refuses what it refuses:
///
///     extension Percentage: JSONSchemaProviding {
///       static let jsonSchema: JSONSchema = ["type": "integer", "minimum": 0, "maximum": 100, "examples": [50]]
///     }
public protocol JSONSchemaProviding: Decodable {
  /// With at least one of `examples`, which must decode.
  static var jsonSchema: JSONSchema { get }
}

/// Any JSON.
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements) { _, last in last })
  }
}

extension JSONValue: Encodable {
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    case .object(let values): try container.encode(values)
    }
  }
}
