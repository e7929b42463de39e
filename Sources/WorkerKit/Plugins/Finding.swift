/// The result of one check: a status, a message and, for a problem, its remedy.
///
///     .ok("the database answers")
///     .warning("the catalog is empty: nothing can be awarded", remedy: "worker prizes import catalog.yaml")
///     .wrong("there is no folder /var/lib/bot", remedy: "mkdir -p /var/lib/bot")
public struct Finding: Sendable, Hashable {
  /// The status of a check.
  public enum Status: String, Sendable, Encodable {
    /// The checked item is healthy.
    case ok
    /// The checked item works, but may not do what the operator intended.
    case warning
    /// Events cannot be handled until the problem is fixed.
    case wrong
    /// The check did not run. The message states why.
    case skipped
  }

  /// The status of the check.
  public var status: Status
  /// One sentence for an operator, without secrets.
  public var message: String
  /// How to fix the problem, ready to copy: commands, a line of `routes.yaml`, a policy statement. One line for each
  /// element; empty if the message is sufficient.
  public var remedy: [String]

  /// Creates a finding. Prefer ``ok(_:)``, ``warning(_:remedy:)``, ``wrong(_:remedy:)`` and ``skipped(_:)``.
  public init(_ status: Status, _ message: String, remedy: [String] = []) {
    self.status = status
    self.message = message
    self.remedy = remedy
  }

  /// The checked item is healthy.
  public static func ok(_ message: String) -> Finding { Finding(.ok, message) }

  /// The checked item works, but may not do what the operator intended.
  public static func warning(_ message: String, remedy: String...) -> Finding {
    Finding(.warning, message, remedy: remedy)
  }

  /// Events cannot be handled until the problem is fixed.
  public static func wrong(_ message: String, remedy: String...) -> Finding {
    Finding(.wrong, message, remedy: remedy)
  }

  /// The check did not run. The message states why.
  public static func skipped(_ message: String) -> Finding { Finding(.skipped, message) }
}
