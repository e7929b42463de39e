import Foundation

/// A made-up value of a type that Foundation's JSONDecoder knows, or that says itself what it is, and its schema.
struct SchemaSample {
  let value: Any
  let schema: JSONSchema

  /// nil where the type must be asked what it decodes.
  init?(of type: any Decodable.Type) throws {
    switch type {
    case let type as any JSONSchemaProviding.Type:
      self.init(try Self.example(of: type), type.jsonSchema)
    case is String.Type: self.init("text", ["type": "string"])
    case is Bool.Type: self.init(true, ["type": "boolean"])
    case is Double.Type: self.init(1.0, ["type": "number"])
    case is Float.Type: self.init(Float(1), ["type": "number"])
    case is Decimal.Type: self.init(Decimal(1), ["type": "number"])
    case let type as any FixedWidthInteger.Type: self.init(Self.one(type), Self.integer(type))
    // EventDecoder reads dates in ISO 8601.
    case is Date.Type: self.init(Date(timeIntervalSince1970: 0), ["type": "string", "format": "date-time"])
    case is Data.Type: self.init(Data(), ["type": "string", "contentEncoding": "base64"])
    case is UUID.Type: self.init(UUID(), ["type": "string", "format": "uuid"])
    case is URL.Type:
      guard let url = URL(string: "https://example.com") else { return nil }
      self.init(url, ["type": "string", "format": "uri-reference"])
    case let type as any CaseIterable.Type:
      guard let cases = Self.cases(of: type) else { return nil }
      self = cases
    default: return nil
    }
  }

  private init(_ value: Any, _ schema: JSONSchema) {
    self.value = value
    self.schema = schema
  }

  private static func one<Number: FixedWidthInteger>(_ type: Number.Type) -> Number { 1 }

  private static func integer<Number: FixedWidthInteger>(_ type: Number.Type) -> JSONSchema {
    var schema: JSONSchema = ["type": "integer"]
    if let min = Int(exactly: type.min) { schema["minimum"] = .integer(min) }
    if let max = Int(exactly: type.max) { schema["maximum"] = .integer(max) }
    return schema
  }

  /// An enum of texts or of numbers.
  private static func cases<Value: CaseIterable>(of type: Value.Type) -> SchemaSample? {
    let values = type.allCases.compactMap { value -> JSONValue? in
      switch (value as? any RawRepresentable)?.rawValue as Any? {
      case let text as String: .string(text)
      case let number as any FixedWidthInteger: Int(exactly: number).map(JSONValue.integer)
      default: nil
      }
    }
    guard let first = type.allCases.first, values.count == type.allCases.count else { return nil }
    return SchemaSample(first, ["enum": .array(values)])
  }

  private static func example<Value: JSONSchemaProviding>(of type: Value.Type) throws -> Value {
    guard case .array(let examples) = type.jsonSchema["examples"], let example = examples.first else {
      throw SampleRefused(path: "", type: "\(type), whose jsonSchema has no examples,")
    }
    return try EventDecoder.decode(type, from: Array(JSONEncoder().encode(example)))
  }
}
