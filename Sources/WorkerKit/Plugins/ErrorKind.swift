/// The category of an error in the handling of an event.
///
/// A route's error policy in `routes.yaml` maps each kind to *permanent* (dead-letter now) or *transient* (retry
/// later). The handler reports what happened; the operator decides what follows:
///
///     errors: { permanent: [conflict, notFound], transient: [network] }
///
/// | kind | meaning | default |
/// |---|---|---|
/// | `validation` | the event is invalid for the handler | permanent |
/// | `notFound` | something that the event names does not exist | permanent |
/// | `conflict` | the current state forbids the event: already owned, already done differently | permanent |
/// | `badRequest` | another system rejected the request as invalid | permanent |
/// | `network` | another system could not be reached | transient |
/// | `timeout` | the operation exceeded its time limit | transient |
/// | `unavailable` | a dependency is down or busy | transient |
/// | `throttled` | a dependency limits the rate of requests | transient |
/// | `unexpected` | an error without a declared kind | `otherwise` |
///
/// A plugin declares further kinds in ``WorkerPlugin/errorKinds``. A further built-in kind also belongs in `standard`, and its
/// default in `ErrorPolicy.standard`.
public struct ErrorKind: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The name in `routes.yaml`: `notFound`.
  public let rawValue: String

  /// Creates a kind. A plugin lists its own kinds in ``WorkerPlugin/errorKinds``.
  public init(rawValue: String) {
    self.rawValue = rawValue
  }

  /// The event is invalid for the handler. Permanent by default.
  public static let validation = ErrorKind(rawValue: "validation")
  /// Something that the event names does not exist. Permanent by default.
  public static let notFound = ErrorKind(rawValue: "notFound")
  /// The current state forbids the event. Permanent by default.
  public static let conflict = ErrorKind(rawValue: "conflict")
  /// Another system rejected the request as invalid. Permanent by default.
  public static let badRequest = ErrorKind(rawValue: "badRequest")
  /// Another system could not be reached. Transient by default.
  public static let network = ErrorKind(rawValue: "network")
  /// The operation exceeded its time limit. Transient by default.
  public static let timeout = ErrorKind(rawValue: "timeout")
  /// A dependency is down or busy. Transient by default.
  public static let unavailable = ErrorKind(rawValue: "unavailable")
  /// A dependency limits the rate of requests. Transient by default.
  public static let throttled = ErrorKind(rawValue: "throttled")
  /// An error without a declared kind. ``ErrorPolicy/otherwise`` decides.
  public static let unexpected = ErrorKind(rawValue: "unexpected")

  /// The kinds that every worker has, regardless of its plugins.
  public static let standard: [ErrorKind] = [
    .validation, .notFound, .conflict, .badRequest, .network, .timeout, .unavailable, .throttled, .unexpected,
  ]

  /// The name in `routes.yaml`.
  public var description: String { rawValue }
}

/// An error with an ``ErrorKind``. An error of any other type counts as ``ErrorKind/unexpected``.
public protocol ClassifiedError: Error {
  /// The category of the error. The route's policy decides by it.
  var kind: ErrorKind { get }

  /// Where the error was thrown, for logs and traces. nil, the default, means unknown.
  var location: CodeLocation? { get }

  /// How long the dependency asked clients to wait; nil, the default, if it did not. The next attempt starts after this
  /// time or after the route's backoff, whichever is longer, limited by ``Backoff/retryAfterLimit``.
  var retryAfter: Duration? { get }

  /// What the error reveals about the dependency as a whole; nil, the default, if nothing.
  var refusal: DependencyRefusal? { get }

  /// The underlying error; nil, the default, if there is none. Its description is written to logs and traces, so it
  /// must not contain secrets or values of the event.
  var cause: (any Error)? { get }
}

extension ClassifiedError {
  public var location: CodeLocation? { nil }
  public var cause: (any Error)? { nil }
  public var retryAfter: Duration? { nil }
  public var refusal: DependencyRefusal? { nil }
}

/// A position in a source file.
public struct CodeLocation: Sendable, Hashable, CustomStringConvertible {
  /// The function: `transfer(_:)`.
  public var function: String
  /// The file as `#fileID` returns it: `PrizePlugins/PrizeTables.swift`.
  public var fileID: String
  /// The line number, starting at 1.
  public var line: Int

  /// Creates a location. The default is the position of the call.
  public init(function: String = #function, fileID: String = #fileID, line: Int = #line) {
    self.function = function
    self.fileID = fileID
    self.line = line
  }

  /// The file and the line: `PrizePlugins/PrizeLedger.swift:42`.
  public var description: String { "\(fileID):\(line)" }
}
