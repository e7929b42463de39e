/// What follows from an error: another try, or the dead-letter queue.
public enum Disposition: String, Sendable, CaseIterable {
  /// Another try cannot help.
  case permanent
  /// Another try may help.
  case transient
}

/// Maps kinds of error to what follows, as `errors:` in `routes.yaml` says.
public struct ErrorPolicy: Sendable, Hashable {
  public var dispositions: [ErrorKind: Disposition]
  /// For kinds that the policy does not name.
  public var otherwise: Disposition

  public init(dispositions: [ErrorKind: Disposition], otherwise: Disposition) {
    self.dispositions = dispositions
    self.otherwise = otherwise
  }

  /// Retries what time can mend and whatever nobody foresaw; gives up on what only a person can mend.
  public static let standard = ErrorPolicy(
    dispositions: [
      .validation: .permanent, .notFound: .permanent, .conflict: .permanent, .badRequest: .permanent,
      .network: .transient, .timeout: .transient, .unavailable: .transient, .throttled: .transient,
    ],
    otherwise: .transient)

  public func disposition(of kind: ErrorKind) -> Disposition {
    dispositions[kind] ?? otherwise
  }
}
