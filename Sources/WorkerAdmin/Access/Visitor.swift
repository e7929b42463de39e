import WorkerKit

/// Who asks, and what they may do.
struct Visitor: Sendable {
  /// By what they are known.
  enum Means: Sendable {
    /// They reach loopback, and no users are configured.
    case loopback
    case session(String)
    /// HTTP's Basic authentication, of scripts.
    case password
    case proxy
  }

  var name: String
  var role: ConsoleRole
  var means: Means
  /// What a request that changes something must bring along.
  var token: String

  var mayAct: Bool { role == .operator }
}
