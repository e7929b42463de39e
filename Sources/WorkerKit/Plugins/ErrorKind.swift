/// What kind of thing went wrong while an event was handled.
///
/// A route's error policy in `routes.yaml` maps kinds to *permanent* (dead-letter now) or *transient* (try again
/// later), so that a handler says what happened and the operator decides what follows:
///
///     errors: { permanent: [conflict, notFound], transient: [network] }
///
/// | kind | meaning | by default |
/// |---|---|---|
/// | `validation` | the event is not what the handler expects | permanent |
/// | `notFound` | something that the event names does not exist | permanent |
/// | `conflict` | the state of things forbids it: already owned, already done differently | permanent |
/// | `badRequest` | another system refused the request as wrong | permanent |
/// | `network` | another system could not be reached | transient |
/// | `timeout` | it took longer than allowed | transient |
/// | `unavailable` | a dependency is down or busy | transient |
/// | `throttled` | a dependency asked for fewer requests | transient |
/// | `unexpected` | an error of no declared kind | `otherwise` |
///
/// A plugin adds kinds of its own by listing them in ``Plugin/errorKinds``.
public struct ErrorKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: String

  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  public static let validation = ErrorKind(rawValue: "validation")
  public static let notFound = ErrorKind(rawValue: "notFound")
  public static let conflict = ErrorKind(rawValue: "conflict")
  public static let badRequest = ErrorKind(rawValue: "badRequest")
  public static let network = ErrorKind(rawValue: "network")
  public static let timeout = ErrorKind(rawValue: "timeout")
  public static let unavailable = ErrorKind(rawValue: "unavailable")
  public static let throttled = ErrorKind(rawValue: "throttled")
  public static let unexpected = ErrorKind(rawValue: "unexpected")

  /// The kinds that every worker knows, whatever its plugins add.
  public static let standard: [ErrorKind] = [
    .validation, .notFound, .conflict, .badRequest, .network, .timeout, .unavailable, .throttled, .unexpected,
  ]

  public var description: String { rawValue }
}

/// An error that knows its ``ErrorKind``. Errors of other types count as ``ErrorKind/unexpected``.
public protocol ClassifiedError: Error {
  var kind: ErrorKind { get }

  /// Where it was thrown, for logs and traces. Unknown by default.
  var location: CodeLocation? { get }

  /// The error behind it, whose description joins the logs and the traces: keep what must not be there out of it. None
  /// by default.
  var cause: (any Error)? { get }
}

extension ClassifiedError {
  public var location: CodeLocation? { nil }
  public var cause: (any Error)? { nil }
}

/// A line of a source file.
public struct CodeLocation: Sendable, Hashable, CustomStringConvertible {
  /// `transfer(_:)`.
  public var function: String
  /// As `#fileID` gives it: `PrizePlugins/PrizeLedger.swift`.
  public var fileID: String
  public var line: Int

  public init(function: String = #function, fileID: String = #fileID, line: Int = #line) {
    self.function = function
    self.fileID = fileID
    self.line = line
  }

  public var description: String { "\(fileID):\(line)" }
}
