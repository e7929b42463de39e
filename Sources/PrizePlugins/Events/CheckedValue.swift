import WorkerKit

/// A value that can hold only what is valid, so that nothing after decoding needs to check it again.
///
/// Whatever came instead, of a wrong type or out of range, decoding throws `DecodingError.dataCorrupted` at the
/// value's coding path, with ``expected`` as its description.
protocol CheckedValue: Codable, Hashable, Sendable, CustomStringConvertible, JSONSchemaProviding {
  associatedtype RawValue: Codable & Sendable & LosslessStringConvertible

  /// What a valid value looks like, as "expected …".
  static var expected: String { get }

  /// What ``expected`` says, in a schema's words; what JSON Schema cannot say is refused by ``init(rawValue:)`` alone.
  static var constraints: JSONSchema { get }

  var rawValue: RawValue { get }

  /// nil when `rawValue` is not valid.
  init?(rawValue: RawValue)
}

extension CheckedValue {
  static var jsonSchema: JSONSchema {
    var schema = constraints
    schema["description"] = .string(String(expected.trimmingPrefix("expected ")))
    return schema
  }

  init(from decoder: any Decoder) throws {
    let rawValue: RawValue
    do {
      rawValue = try decoder.singleValueContainer().decode(RawValue.self)
    } catch {
      // A wrong type, null, or a number out of range: the same sentence helps in each case. Foundation's JSONDecoder
      // throws an error of a private type for the last, and would call the whole body invalid JSON.
      throw Self.refusal(by: decoder)
    }
    guard let value = Self(rawValue: rawValue) else {
      throw Self.refusal(by: decoder)
    }
    self = value
  }

  private static func refusal(by decoder: any Decoder) -> DecodingError {
    .dataCorrupted(DecodingError.Context(codingPath: decoder.codingPath, debugDescription: expected))
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }

  var description: String { rawValue.description }
}
