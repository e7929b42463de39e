/// An attribute of a message: SQS's `MessageAttributeValue`.
public struct MessageAttribute: Sendable, Hashable {
  /// The value of an attribute: text or bytes.
  public enum Value: Sendable, Hashable {
    /// The text of a `String` or `Number` attribute. SQS sends numbers as text.
    case string(String)
    /// The bytes of a `Binary` attribute.
    case binary([UInt8])
  }

  /// `String`, `Number` or `Binary`, optionally with a custom suffix: `Number.int`.
  public var dataType: String
  /// The value.
  public var value: Value

  /// Creates an attribute of any type.
  public init(dataType: String, value: Value) {
    self.dataType = dataType
    self.value = value
  }

  /// Creates an attribute of type `String`.
  public static func string(_ value: String) -> MessageAttribute {
    MessageAttribute(dataType: "String", value: .string(value))
  }

  /// The text of a `String` or `Number` attribute; nil for a `Binary` attribute.
  public var stringValue: String? {
    if case .string(let text) = value { text } else { nil }
  }

  /// The size in bytes that SQS counts for this attribute under `name`.
  package func size(named name: String) -> Int {
    let length =
      switch value {
      case .string(let text): text.utf8.count
      case .binary(let bytes): bytes.count
      }
    return name.utf8.count + dataType.utf8.count + length
  }
}
