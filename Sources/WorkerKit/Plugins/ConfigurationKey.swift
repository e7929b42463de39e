/// A key of `routes.yaml`, declared once: its check, its default and its documentation all come from here.
///
///     static let database = ConfigurationKey("database", default: "sqlite:prizes.db", "Where prizes are kept.")
///     …
///     let url = configuration[database]
public struct ConfigurationKey<Value: ConfigurationValue>: ConfigurationKeyProtocol {
  public let name: String
  public let documentation: String
  /// The value where the key is left out; nil where it must be given.
  public let defaultValue: Value?
  private let allowed: (@Sendable (Value) -> String?)?

  /// - Parameters:
  ///   - name: As it is written in YAML.
  ///   - defaultValue: Leave it out for a key that must be given.
  ///   - documentation: One sentence for `--help` and the reference.
  ///   - check: Returns what is wrong with a value, as "must be …"; nil when it is fine.
  public init(
    _ name: String,
    default defaultValue: Value? = nil,
    _ documentation: String,
    check: (@Sendable (Value) -> String?)? = nil
  ) {
    self.name = name
    self.defaultValue = defaultValue
    self.documentation = documentation
    allowed = check
  }

  public var valueDescription: String { Value.configurationDescription }
  public var isRequired: Bool { defaultValue == nil }
  public var defaultDescription: String? { defaultValue.map { "\($0)" } }

  public func read(_ text: String) throws(ConfigurationValueError) -> any Sendable {
    guard let value = Value(configurationText: text) else {
      throw ConfigurationValueError("must be \(Value.configurationDescription)")
    }
    if let problem = allowed?(value) {
      throw ConfigurationValueError(problem)
    }
    return value
  }
}

/// A ``ConfigurationKey`` of any value type.
public protocol ConfigurationKeyProtocol: Sendable {
  var name: String { get }
  var documentation: String { get }
  /// What a value looks like: "a whole number", "a duration such as 30s, 500ms or 15m".
  var valueDescription: String { get }
  var isRequired: Bool { get }
  var defaultDescription: String? { get }
  func read(_ text: String) throws(ConfigurationValueError) -> any Sendable
}

/// Why a value was refused, as a phrase that follows the key and the value: "must be a whole number".
public struct ConfigurationValueError: Error {
  public let message: String

  public init(_ message: String) {
    self.message = message
  }
}

/// The values of a set of keys after checking: every required key has one.
public struct ConfigurationValues: Sendable {
  private var values: [String: any Sendable] = [:]

  /// No values: every key reads as its default.
  public init() {}

  /// The value of `key`, or its default.
  ///
  /// - Precondition: a key without a default was among the keys that were checked.
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

/// A type that a ``ConfigurationKey`` can hold.
public protocol ConfigurationValue: Sendable {
  /// What a value looks like, after "must be": "a whole number".
  static var configurationDescription: String { get }
  /// nil when `text` is not such a value.
  init?(configurationText text: String)
}

extension String: ConfigurationValue {
  public static var configurationDescription: String { "text" }
  public init?(configurationText text: String) {
    self = text
  }
}

extension Int: ConfigurationValue {
  public static var configurationDescription: String { "a whole number" }
  public init?(configurationText text: String) {
    self.init(text)
  }
}

extension Double: ConfigurationValue {
  public static var configurationDescription: String { "a number" }
  public init?(configurationText text: String) {
    guard let value = Double(text), value.isFinite else { return nil }
    self = value
  }
}

extension Bool: ConfigurationValue {
  public static var configurationDescription: String { "true or false" }
  public init?(configurationText text: String) {
    switch text.lowercased() {
    case "true", "yes", "on", "1": self = true
    case "false", "no", "off", "0": self = false
    default: return nil
    }
  }
}

extension Duration: ConfigurationValue {
  public static var configurationDescription: String { "a duration such as 500ms, 30s, 15m or 12h" }
  public init?(configurationText text: String) {
    let units: [(suffix: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]
    for unit in units where text.hasSuffix(unit.suffix) {
      guard let number = Double(text.dropLast(unit.suffix.count)), number.isFinite, number >= 0, number < 1e9 else {
        continue
      }
      self = .seconds(number * unit.seconds)
      return
    }
    return nil
  }
}
