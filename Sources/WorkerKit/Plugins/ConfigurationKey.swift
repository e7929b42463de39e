/// A key of `routes.yaml`. One declaration provides its check, its default and its documentation.
///
///     static let database = ConfigurationKey("database", default: "sqlite:prizes.db", "Where prizes are kept.")
///     …
///     let url = configuration[database]
///
/// A value can also be a list or a mapping: `ConfigurationKey<[String]>` accepts `[a, b]`, and
/// `ConfigurationKey<[String: Duration]>` accepts `{ a: 5s }`.
public struct ConfigurationKey<Value: ConfigurationValue>: ConfigurationKeyProtocol {
  /// The name in YAML.
  public let name: String
  /// One sentence for `--help` and the reference.
  public let documentation: String
  /// The value that applies if the key is omitted; nil if the key is required.
  public let defaultValue: Value?
  /// Whether error messages omit the value.
  public let isSecret: Bool
  private let allowed: (@Sendable (Value) -> String?)?

  /// Declares a key.
  ///
  /// - Parameters:
  ///   - name: The name in YAML.
  ///   - defaultValue: The value that applies if the key is omitted. A key without a default is required.
  ///   - isSecret: Whether error messages omit the value.
  ///   - documentation: One sentence for `--help` and the reference.
  ///   - check: Returns nil for a valid value; otherwise the problem, as "must be …".
  public init(
    _ name: String,
    default defaultValue: Value? = nil,
    isSecret: Bool = false,
    _ documentation: String,
    check: (@Sendable (Value) -> String?)? = nil
  ) {
    self.name = name
    self.defaultValue = defaultValue
    self.isSecret = isSecret
    self.documentation = documentation
    allowed = check
  }

  /// The expected form of a value: "a whole number".
  public var valueDescription: String { Value.configurationDescription }
  /// Whether the key is required: it has no default.
  public var isRequired: Bool { defaultValue == nil }
  /// The JSON Schema of the values that `routes.yaml` accepts for the key.
  public var schema: JSONSchema {
    var schema = Value.configurationSchema
    schema["description"] = .string(defaultDescription.map { "\(documentation) Default: \($0)." } ?? documentation)
    return schema
  }
  /// The default as text; nil if the key is required.
  public var defaultDescription: String? { defaultValue.map { "\($0)" } }

  /// Parses and checks a value.
  ///
  /// - Throws: A ``ConfigurationValueError`` that states what the value must be.
  public func read(_ input: ConfigurationInput) throws(ConfigurationValueError) -> any Sendable {
    let value = try Value(configuration: input)
    if let problem = allowed?(value) {
      throw ConfigurationValueError(problem)
    }
    return value
  }
}

/// A ``ConfigurationKey`` of any value type.
public protocol ConfigurationKeyProtocol: Sendable {
  /// The name in YAML.
  var name: String { get }
  /// One sentence for `--help` and the reference.
  var documentation: String { get }
  /// The expected form of a value: "a whole number", "a duration such as 30s, 500ms or 15m".
  var valueDescription: String { get }
  /// Whether the key is required: it has no default.
  var isRequired: Bool { get }
  /// The JSON Schema of the values that `routes.yaml` accepts for the key.
  var schema: JSONSchema { get }
  /// The default as text; nil if the key is required.
  var defaultDescription: String? { get }
  /// Whether error messages omit the value.
  var isSecret: Bool { get }
  /// Parses and checks a value.
  ///
  /// - Throws: A ``ConfigurationValueError`` that states what the value must be.
  func read(_ input: ConfigurationInput) throws(ConfigurationValueError) -> any Sendable
}

/// The checked values of a set of keys: every required key has a value.
public struct ConfigurationValues: Sendable {
  private var values: [String: any Sendable] = [:]

  /// Creates an empty set of values: every key returns its default.
  public init() {}

  /// The value of `key`, or its default.
  ///
  /// - Precondition: A key without a default is one of the keys that were checked.
  public subscript<Value>(key: ConfigurationKey<Value>) -> Value {
    get {
      guard let value = values[key.name] as? Value ?? key.defaultValue else {
        preconditionFailure("\(key.name) was not declared among the configuration keys")
      }
      return value
    }
    set { values[key.name] = newValue }
  }

  mutating func set(_ value: any Sendable, for name: String) {
    values[name] = value
  }
}
