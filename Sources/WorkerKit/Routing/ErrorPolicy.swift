/// The consequence of an error: a retry or the dead-letter queue.
public enum Disposition: String, Sendable, CaseIterable {
  /// A retry cannot help.
  case permanent
  /// A retry may help.
  case transient
}

/// Maps error kinds to their consequences: `errors:` in `routes.yaml`.
public struct ErrorPolicy: Sendable, Hashable {
  /// The consequence of each kind that the policy names.
  public var dispositions: [ErrorKind: Disposition]
  /// The consequence of all other kinds.
  public var otherwise: Disposition

  /// Creates a policy.
  public init(dispositions: [ErrorKind: Disposition], otherwise: Disposition) {
    self.dispositions = dispositions
    self.otherwise = otherwise
  }

  /// The default policy. It retries errors that may disappear with time and unexpected errors, and dead-letters errors
  /// that only a person can fix.
  public static let standard = ErrorPolicy(
    dispositions: [
      .validation: .permanent, .notFound: .permanent, .conflict: .permanent, .badRequest: .permanent,
      .network: .transient, .timeout: .transient, .unavailable: .transient, .throttled: .transient,
    ],
    otherwise: .transient)

  /// Returns the consequence of an error kind.
  public func disposition(of kind: ErrorKind) -> Disposition {
    dispositions[kind] ?? otherwise
  }
}
