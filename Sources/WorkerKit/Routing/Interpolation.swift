import Foundation

/// Substitutes `${NAME}` and `${NAME:-default}` from the environment, with the rules of a shell: a variable that is
/// empty or only white space counts as unset. A default can contain references, and is evaluated only if it is used.
///
/// Values from the environment are not interpolated again. Surrounding white space is removed, because secret stores
/// and files often end a value with a line break. `$${` yields a literal `${`.
struct Interpolation {
  private static let depthLimit = 16

  private let scalars: [Unicode.Scalar]
  private let environment: [String: String]
  private var position = 0

  /// Substitutes all references in a text.
  ///
  /// - Throws: The problem and its fix, as a phrase.
  static func filledIn(
    _ text: String, from environment: [String: String]
  ) throws(ConfigurationValueError) -> String {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
    var interpolation = Interpolation(scalars: Array(text.unicodeScalars), environment: environment)
    return try interpolation.read(depth: 0, isUsed: true)
  }

  /// The names of all variables that a text refers to, including those in defaults.
  static func names(in text: String) -> Set<String> {
    let references = text.replacing("$${", with: "").matches(of: /\$\{([A-Za-z_][A-Za-z0-9_]*)/)
    return Set(references.map { String($0.1) })
  }

  private init(scalars: [Unicode.Scalar], environment: [String: String]) {
    self.scalars = scalars
    self.environment = environment
  }

  /// Reads to the end of the text or, in a default, to its `}`.
  ///
  /// - Parameter isUsed: Whether an unset variable is an error.
  private mutating func read(depth: Int, isUsed: Bool) throws(ConfigurationValueError) -> String {
    var result = String.UnicodeScalarView()
    while position < scalars.count {
      if takes("$${") {
        result.append(contentsOf: "${".unicodeScalars)
      } else if takes("${") {
        result.append(contentsOf: try reference(depth: depth + 1, isUsed: isUsed).unicodeScalars)
      } else if depth > 0, scalars[position] == "}" {
        return String(result)
      } else {
        result.append(scalars[position])
        position += 1
      }
    }
    return String(result)
  }

  /// Reads a reference after its `${`.
  private mutating func reference(depth: Int, isUsed: Bool) throws(ConfigurationValueError) -> String {
    guard depth <= Self.depthLimit else {
      throw ConfigurationValueError("`${` is nested more than \(Self.depthLimit) deep")
    }
    let name = self.name()
    guard position < scalars.count else { throw Self.unfinished }
    guard !name.isEmpty else {
      throw ConfigurationValueError(
        "`${` must be followed by the name of an environment variable, such as `${AWS_REGION}`; for `${` itself write `$${`"
      )
    }
    let value = try value(of: name, isUsed: isUsed)
    if takes("}") {
      guard value == nil, isUsed else { return value ?? "" }
      throw ConfigurationValueError(
        "the environment variable \(name) is not set; export it, or write a default: `${\(name):-…}`")
    }
    guard takes(":-") else {
      throw ConfigurationValueError(
        "`${\(name)` must be followed by `}`, or by `:-` and a default; for `${` itself write `$${`")
    }
    let standard = try read(depth: depth, isUsed: isUsed && value == nil)
    guard takes("}") else { throw Self.unfinished }
    return value ?? standard
  }

  private static let unfinished = ConfigurationValueError(
    "`${` has no closing `}`; for `${` itself write `$${`")

  private mutating func name() -> String {
    let start = position
    while position < scalars.count, Self.isOfName(scalars[position], isFirst: position == start) { position += 1 }
    return String(String.UnicodeScalarView(scalars[start..<position]))
  }

  private static func isOfName(_ scalar: Unicode.Scalar, isFirst: Bool) -> Bool {
    switch scalar {
    case "A"..."Z", "a"..."z", "_": true
    case "0"..."9": !isFirst
    default: false
    }
  }

  /// The value of a variable.
  ///
  /// - Returns: nil if the variable is unset or empty.
  private func value(of name: String, isUsed: Bool) throws(ConfigurationValueError) -> String? {
    guard let value = environment[name]?.trimmingCharacters(in: .whitespacesAndNewlines), !value.isEmpty else {
      return nil
    }
    let bad = value.unicodeScalars.first {
      [.control, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
    }
    guard let bad, isUsed else { return value }
    let what =
      ["\n", "\r", "\u{2028}", "\u{2029}"].contains(bad)
      ? "a line break" : "the control character U+\(String(format: "%04X", bad.value))"
    throw ConfigurationValueError("the environment variable \(name) holds \(what); set it without")
  }

  private mutating func takes(_ text: String) -> Bool {
    let wanted = text.unicodeScalars
    guard scalars[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }
}
