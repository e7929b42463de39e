/// The error that a handler throws if it could not handle an event.
///
///     throw EventError(
///       .notFound, "the item type does not exist; import it, or correct itemTypeId", field: "itemTypeId",
///       received: event.itemTypeId)
///
/// The message is written to the dead-letter queue, the logs and the traces. State the cause and the next step in it.
/// Keep values of the event out, so that one cause always produces one message. Pass the value at fault as
/// ``received``, which is written to the dead-letter queue only.
public struct EventError: ClassifiedError, CustomStringConvertible {
  /// The category of the error. The route's policy decides by it.
  public let kind: ErrorKind
  /// The cause and the next step.
  public let message: String
  /// The field of the event at fault, as a path: `quantity`, `rewards[2].itemTypeId`.
  public let field: String?
  /// The value that was received instead of the expected one, shortened. It is written to the dead-letter queue and
  /// never to a log.
  public let received: String?
  /// How long the dependency asked clients to wait. The next attempt starts no earlier.
  public let retryAfter: Duration?
  /// What the error reveals about the dependency as a whole.
  public let refusal: DependencyRefusal?
  /// The underlying error. Its description is written to the logs and the traces.
  public let cause: (any Error)?
  /// Where the error was thrown.
  public let location: CodeLocation?

  /// Creates an error.
  ///
  /// - Parameters:
  ///   - kind: The category of the error. The route's policy decides by it.
  ///   - message: The cause and the next step, without values of the event.
  ///   - field: The field of the event at fault, as a path.
  ///   - received: The value that was received instead of the expected one.
  ///   - retryAfter: How long the dependency asked clients to wait, for example in `Retry-After`.
  ///   - refusal: Set it if the dependency refuses all work until its configuration changes.
  ///   - cause: The underlying error. Its description is written to the logs and the traces.
  ///   - function: The function that throws the error. The default is the caller.
  ///   - fileID: The file that throws the error, as `#fileID` returns it.
  ///   - line: The line that throws the error, starting at 1.
  public init(
    _ kind: ErrorKind, _ message: String, field: String? = nil, received: String? = nil,
    retryAfter: Duration? = nil, refusal: DependencyRefusal? = nil, cause: (any Error)? = nil,
    function: String = #function, fileID: String = #fileID,
    line: Int = #line
  ) {
    self.kind = kind
    self.message = message
    self.field = field
    self.received = received
    self.retryAfter = retryAfter
    self.refusal = refusal
    self.cause = cause
    location = CodeLocation(function: function, fileID: fileID, line: line)
  }

  /// The kind and the message.
  public var description: String { "\(kind): \(message)" }
}
