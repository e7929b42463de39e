/// The value of a ``ConfigurationKey`` in `routes.yaml`, with `${NAME}` substituted.
public indirect enum ConfigurationInput: Sendable, Hashable {
  /// A scalar, as text.
  case text(String)
  /// A list.
  case list([ConfigurationInput])
  /// A mapping, by key.
  case mapping([String: ConfigurationInput])
}

/// The reasons why a value is invalid. Each message is a phrase that follows the key: "must be a whole number".
public struct ConfigurationValueError: Error {
  /// One problem of a value, with its position inside the value.
  public struct Problem: Sendable, Hashable {
    /// The path from the value to the part at fault. Empty if the problem concerns the whole value.
    public var path: [Step]
    /// The problem, as a phrase that follows the key: "must be a whole number".
    public var message: String
    /// A suggestion, such as the nearest valid name. It is printed after the value.
    public var hint: String?

    /// Creates a problem.
    public init(path: [Step] = [], message: String, hint: String? = nil) {
      self.path = path
      self.message = message
      self.hint = hint
    }
  }

  /// One step of a path into a list or a mapping.
  public enum Step: Sendable, Hashable {
    /// The index of a list item, starting at 0.
    case item(Int)
    /// The value of a name in a mapping.
    case value(of: String)
    /// A name of the mapping itself, as opposed to its value.
    case name(String)
  }

  /// The problems: at least one.
  public let problems: [Problem]

  /// Creates an error with one problem, which concerns the whole value.
  public init(_ message: String) {
    self.init([Problem(message: message)])
  }

  /// Creates an error.
  ///
  /// - Parameter problems: At least one problem.
  public init(_ problems: [Problem]) {
    precondition(!problems.isEmpty)
    self.problems = problems
  }

  /// The message of the first problem.
  public var message: String { problems[0].message }

  /// Returns the problems with `step` prepended to their paths, for the value that contains this one.
  public func problems(at step: Step) -> [Problem] {
    problems.map { Problem(path: [step] + $0.path, message: $0.message, hint: $0.hint) }
  }
}
