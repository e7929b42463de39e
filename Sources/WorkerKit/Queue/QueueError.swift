/// Why a queue refused an operation or could not be reached.
public struct QueueError: ClassifiedError, CustomStringConvertible {
  /// The service's error code without its namespace: `AWS.SimpleQueueService.NonExistentQueue`, `AccessDenied`.
  /// Failures below the service have codes of their own, such as ``Code/connection``.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The code as the service spells it.
    public let rawValue: String
    /// Creates a code of a service or of a transport.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The code as the service spells it.
    public var description: String { rawValue }

    /// There was no response: name resolution, connection or TLS failed, or the connection was cut.
    public static let connection = Code(rawValue: "ConnectionError")
    /// The response does not follow the protocol.
    public static let invalidResponse = Code(rawValue: "InvalidResponse")
    /// The code without the parts that only some servers add: `AWS.SimpleQueueService.…`, `…Exception`.
    package var shortName: String {
      let name = rawValue.split(separator: ".").last.map(String.init) ?? rawValue
      return name.hasSuffix("Exception") ? String(name.dropLast("Exception".count)) : name
    }

    /// No credentials were found, or the configured credentials cannot work.
    public static let noCredentials = Code(rawValue: "NoCredentials")
    /// The credential source is temporarily unavailable.
    public static let credentialsUnavailable = Code(rawValue: "CredentialsUnavailable")
  }

  /// The service's error code.
  public var code: Code
  /// The category of the error. It determines whether a retry can help; after ``ErrorKind/throttled`` the consumer
  /// waits longer.
  public var kind: ErrorKind
  /// The cause and the next step.
  public var message: String
  /// The HTTP status of the response; nil if there was no response.
  public var status: Int?
  /// The service's request id, for its support.
  public var requestID: String?

  /// Creates an error of a transport.
  ///
  /// - Parameters:
  ///   - code: The service's error code.
  ///   - kind: The category of the error.
  ///   - message: The cause and the next step, without secrets and message bodies.
  ///   - status: The HTTP status of the response; nil if there was no response.
  ///   - requestID: The service's request id.
  public init(code: Code, kind: ErrorKind, message: String, status: Int? = nil, requestID: String? = nil) {
    self.code = code
    self.kind = kind
    self.message = message
    self.status = status
    self.requestID = requestID
  }

  /// The code and the message.
  public var description: String { "\(code): \(message)" }

  /// Whether the message's lease has ended: another consumer received the message, or its receipt handle expired.
  public var isLeaseLost: Bool {
    switch code.shortName {
    case "ReceiptHandleIsInvalid", "MessageNotInflight": true
    case "InvalidParameterValue": message.lowercased().contains("receipt handle")
    default: false
    }
  }

  /// Whether the queue does not exist.
  public var isQueueMissing: Bool {
    ["NonExistentQueue", "QueueDoesNotExist"].contains(code.shortName)
  }

  /// Whether permission is missing.
  public var isAccessDenied: Bool {
    ["AccessDenied", "AccessDeniedException", "KmsAccessDenied", "KMS.AccessDeniedException"].contains(code.rawValue)
  }
}

extension QueueError {
  /// Wraps the error of a whole call as the error of each of its entries.
  package init(wrapping error: any Error) {
    self =
      error as? QueueError
      ?? QueueError(
        code: .connection, kind: (error as? any ClassifiedError)?.kind ?? .unexpected, message: "\(error)")
  }
}
