/// Why an event could not be handled: what a handler throws.
///
///     throw EventError(.notFound, "item type \(id) does not exist in this community; import it or correct itemTypeId")
///
/// The message reaches the dead-letter queue, the logs and the traces: name the cause and the next step, and keep
/// secrets and message bodies out of it. What the event actually said belongs in ``received``, which goes to the
/// dead-letter queue alone.
public struct EventError: ClassifiedError, LocatedError, CustomStringConvertible {
  public let kind: ErrorKind
  /// The cause and the next step.
  public let message: String
  /// The field of the event at fault, as a path: `quantity`, `rewards[2].itemTypeId`.
  public let field: String?
  /// What came instead of what was expected, shortened; shown in the dead-letter queue, never in a log.
  public let received: String?
  /// Where it was made, for traces.
  public let origin: ErrorOrigin

  public init(
    _ kind: ErrorKind, _ message: String, field: String? = nil, received: String? = nil,
    function: String = #function, file: String = #fileID, line: UInt = #line
  ) {
    self.kind = kind
    self.message = message
    self.field = field
    self.received = received
    origin = ErrorOrigin(function: function, file: file, line: line)
  }

  public var description: String { "\(kind): \(message)" }
}
