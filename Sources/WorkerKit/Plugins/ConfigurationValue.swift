/// A type that a ``ConfigurationKey`` can hold.
///
/// The standard types are text, numbers, durations, Booleans, lists and mappings of these, and enumerations with
/// `String` raw values:
///
///     enum Mode: String, CaseIterable, ConfigurationValue { case fast, thorough }
///
/// A type of your own parses its text in ``init(configurationText:)``.
public protocol ConfigurationValue: Sendable {
  /// The expected form of a value, as it follows "must be": "a whole number".
  static var configurationDescription: String { get }
  /// The JSON Schema of the values. The default accepts text, numbers and Booleans.
  static var configurationSchema: JSONSchema { get }
  /// Parses a value from text. Returns nil if `text` is invalid.
  init?(configurationText text: String)
  /// Parses a value of any shape. The default accepts a single value, and parses its text with
  /// ``init(configurationText:)``.
  ///
  /// - Throws: A ``ConfigurationValueError`` that states what the value must be.
  init(configuration input: ConfigurationInput) throws(ConfigurationValueError)
}

extension ConfigurationValue {
  public static var configurationSchema: JSONSchema { ["type": ["string", "number", "boolean"]] }

  public init(configuration input: ConfigurationInput) throws(ConfigurationValueError) {
    guard case .text(let text) = input, let value = Self(configurationText: text) else {
      throw ConfigurationValueError("must be \(Self.configurationDescription)")
    }
    self = value
  }
}

extension ConfigurationValue where Self: RawRepresentable<String> & CaseIterable {
  public static var configurationDescription: String {
    let names = allCases.map(\.rawValue)
    return names.count < 2 ? names.joined() : "\(names.dropLast().joined(separator: ", ")) or \(names[names.count - 1])"
  }

  public static var configurationSchema: JSONSchema {
    .orReference(["enum": .array(allCases.map { .string($0.rawValue) })])
  }

  public init?(configurationText text: String) {
    self.init(rawValue: text)
  }

  public init(configuration input: ConfigurationInput) throws(ConfigurationValueError) {
    guard case .text(let text) = input, let value = Self(configurationText: text) else {
      let near: String? =
        if case .text(let text) = input { nearestName(to: text, among: Self.allCases.map(\.rawValue)) } else { nil }
      throw ConfigurationValueError([
        .init(message: "must be \(Self.configurationDescription)", hint: near.map { "did you mean `\($0)`?" })
      ])
    }
    self = value
  }
}

extension Array: ConfigurationValue where Element: ConfigurationValue {
  public static var configurationDescription: String {
    "a list such as [one, two], each item \(Element.configurationDescription)"
  }

  public static var configurationSchema: JSONSchema {
    ["type": "array", "items": Element.configurationSchema.value]
  }

  /// Returns nil: a list cannot be written as text, even with one item.
  public init?(configurationText text: String) { nil }

  public init(configuration input: ConfigurationInput) throws(ConfigurationValueError) {
    guard case .list(let items) = input else {
      throw ConfigurationValueError("must be \(Self.configurationDescription)")
    }
    self = []
    var problems: [ConfigurationValueError.Problem] = []
    for (index, item) in items.enumerated() {
      do throws(ConfigurationValueError) {
        append(try Element(configuration: item))
      } catch {
        problems += error.problems(at: .item(index))
      }
    }
    if !problems.isEmpty { throw ConfigurationValueError(problems) }
  }
}

extension Dictionary: ConfigurationValue where Key: ConfigurationValue, Value: ConfigurationValue {
  public static var configurationDescription: String {
    "a mapping such as { name: value }, each value \(Value.configurationDescription)"
  }

  public static var configurationSchema: JSONSchema {
    ["type": "object", "additionalProperties": Value.configurationSchema.value]
  }

  public init?(configurationText text: String) { nil }

  public init(configuration input: ConfigurationInput) throws(ConfigurationValueError) {
    guard case .mapping(let entries) = input else {
      throw ConfigurationValueError("must be \(Self.configurationDescription)")
    }
    self = [:]
    var problems: [ConfigurationValueError.Problem] = []
    for (name, input) in entries.sorted(by: { $0.key < $1.key }) {
      do throws(ConfigurationValueError) {
        let key = try Key(configuration: .text(name))
        do throws(ConfigurationValueError) {
          self[key] = try Value(configuration: input)
        } catch {
          problems += error.problems(at: .value(of: name))
        }
      } catch {
        problems += error.problems(at: .name(name))
      }
    }
    if !problems.isEmpty { throw ConfigurationValueError(problems) }
  }
}

extension String: ConfigurationValue {
  public static var configurationDescription: String { "text" }
  public init?(configurationText text: String) {
    self = text
  }
}

extension Int: ConfigurationValue {
  public static var configurationDescription: String { "a whole number" }
  public static var configurationSchema: JSONSchema { .orReference(["type": "integer"]) }
  public init?(configurationText text: String) {
    self.init(text)
  }
}

extension Double: ConfigurationValue {
  public static var configurationDescription: String { "a number" }
  public static var configurationSchema: JSONSchema { .orReference(["type": "number"]) }
  public init?(configurationText text: String) {
    guard let value = Double(text), value.isFinite else { return nil }
    self = value
  }
}

extension Bool: ConfigurationValue {
  public static var configurationDescription: String { "true or false" }
  public static var configurationSchema: JSONSchema { .orReference(["enum": [true, false, "yes", "no", "on", "off"]]) }
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
  public static var configurationSchema: JSONSchema {
    .orReference(["type": "string", "pattern": #"^[0-9.]+(ms|s|m|h|d)$"#])
  }
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

extension JSONSchema {
  /// A schema that also accepts an environment reference, `${NAME}`.
  static func orReference(_ schema: JSONSchema) -> JSONSchema {
    ["anyOf": [schema.value, ["type": "string", "pattern": #"\$\{"#]]]
  }
}
