import WorkerKit

/// A value that can hold only what is valid, so that nothing after decoding needs to check it again.
///
/// Whatever came instead, of a wrong type or out of range, decoding throws `DecodingError.dataCorrupted` at the
/// value's coding path, with ``expected`` as its description, and where the type is right with what is wrong.
protocol CheckedValue: Codable, Hashable, Sendable, CustomStringConvertible, JSONSchemaProviding {
  associatedtype RawValue: Codable & Sendable & LosslessStringConvertible

  /// What a valid value looks like, as "expected …".
  static var expected: String { get }

  /// What ``expected`` says, in a schema's words; what JSON Schema cannot say is refused by ``init(rawValue:)`` alone.
  static var constraints: JSONSchema { get }

  /// Why a value of the right type is not valid, without showing it: "the number is below 1". nil where it is valid.
  static func problem(with rawValue: RawValue) -> String?

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
      // A wrong type, null, or a number out of range: the same sentence helps in each case. A decoder throws
      // an error of a type of its own for the last.
      throw Self.refusal(by: decoder)
    }
    guard let value = Self(rawValue: rawValue) else {
      throw Self.refusal(by: decoder, Self.problem(with: rawValue))
    }
    self = value
  }

  private static func refusal(by decoder: any Decoder, _ problem: String? = nil) -> DecodingError {
    // A text of digits that came as a number is wrong by its quotes alone, and has lost digits in many languages.
    let isUnquoted = RawValue.self == String.self && (try? decoder.singleValueContainer().decode(Double.self)) != nil
    let form = isUnquoted ? "\(expected), in quotes" : expected
    let description = problem.map { "\(form), but \($0)" } ?? form
    return .dataCorrupted(DecodingError.Context(codingPath: decoder.codingPath, debugDescription: description))
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }

  var description: String { rawValue.description }
}
