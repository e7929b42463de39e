/// A JSON Schema, draft 2020-12.
///
///     static let jsonSchema: JSONSchema = ["type": "string", "pattern": "^[a-z]+$", "examples": ["abc"]]
public struct JSONSchema: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// The keywords and their values.
  public var keywords: [String: JSONValue]

  /// Creates a schema from keywords.
  public init(_ keywords: [String: JSONValue]) {
    self.keywords = keywords
  }

  /// Creates a schema from a dictionary literal. If a keyword is repeated, its last value is used.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(Dictionary(elements) { _, last in last })
  }

  /// The value of a keyword; nil if the schema does not contain it.
  public subscript(keyword: String) -> JSONValue? {
    get { keywords[keyword] }
    set { keywords[keyword] = newValue }
  }

  var value: JSONValue { .object(keywords) }
}

extension JSONSchema: Encodable {
  /// Encodes the schema as a JSON object.
  public func encode(to encoder: any Encoder) throws {
    try value.encode(to: encoder)
  }
}

/// A type that declares the JSON Schema it decodes from.
///
/// The worker derives the schema of structs, numbers, text, dates, lists, dictionaries and `CaseIterable` enums, so
/// these need not conform. Conform a type that accepts only some values of its JSON type, so that the event's schema
/// rejects the same values as the type:
///
///     extension Percentage: JSONSchemaProviding {
///       static let jsonSchema: JSONSchema = ["type": "integer", "minimum": 0, "maximum": 100, "examples": [50]]
///     }
public protocol JSONSchemaProviding: Decodable {
  /// The schema. It has at least one value under `examples`, and each example can be decoded.
  static var jsonSchema: JSONSchema { get }
}

/// A JSON value.
public enum JSONValue: Sendable, Hashable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// An integer.
  case integer(Int)
  /// A floating-point number.
  case number(Double)
  /// A string.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object. The order of its members is not preserved.
  case object([String: JSONValue])
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// Creates `null`.
  public init(nilLiteral: ()) { self = .null }
  /// Creates `true` or `false`.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// Creates an integer.
  public init(integerLiteral value: Int) { self = .integer(value) }
  /// Creates a floating-point number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// Creates a string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// Creates an array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// Creates an object. If a name is repeated, its last value is used.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements) { _, last in last })
  }
}

extension JSONValue: Encodable {
  /// Encodes the value as JSON.
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
