/// What a check has found: that all is well, or what is not and what mends it.
///
///     .ok("the database answers")
///     .warning("the catalog is empty: nothing can be awarded", remedy: "worker prizes import catalog.yaml")
///     .wrong("there is no folder /var/lib/bot", remedy: "mkdir -p /var/lib/bot")
public struct Finding: Sendable, Hashable {
  public enum Status: String, Sendable, Encodable {
    case ok
    /// It works, and may not do what was meant.
    case warning
    /// Events cannot be handled until it is mended.
    case wrong
    /// Not tried; the message says why.
    case skipped
  }

  public var status: Status
  /// One sentence for an operator, without secrets.
  public var message: String
  /// What mends it, as it can be typed: commands, a line of `routes.yaml`, a policy statement. One a line; empty where the
  /// message says it all.
  public var remedy: [String]

  public init(_ status: Status, _ message: String, remedy: [String] = []) {
    self.status = status
    self.message = message
    self.remedy = remedy
  }

  public static func ok(_ message: String) -> Finding { Finding(.ok, message) }

  public static func warning(_ message: String, remedy: String...) -> Finding {
    Finding(.warning, message, remedy: remedy)
  }

  public static func wrong(_ message: String, remedy: String...) -> Finding {
    Finding(.wrong, message, remedy: remedy)
  }

  public static func skipped(_ message: String) -> Finding { Finding(.skipped, message) }
}
