public import Foundation

/// A queue in SQS's terms, whatever keeps it: what the consumer knows of SQS.
///
/// Batch operations take one to ten entries and answer one result for each, in order; they throw only when the whole
/// call failed. Every operation ends early, throwing `CancellationError`, when its task is cancelled.
public protocol MessageQueue: Sendable {
  /// For people, logs and metrics: the last part of a queue's URL.
  var name: String { get }

  /// Receives up to `maxMessages` (1 to 10), waiting up to `waitTime` (whole seconds, 20 at most) for the first.
  /// What was received stays invisible to others for `visibilityTimeout`.
  func receive(maxMessages: Int, waitTime: Duration, visibilityTimeout: Duration) async throws -> [ReceivedMessage]

  /// Deletes messages by the handles of their latest receive.
  func delete(_ receiptHandles: [String]) async throws -> [Result<Void, QueueError>]

  /// Makes messages visible again after their timeouts (whole seconds, 0 for at once).
  func changeVisibility(_ changes: [VisibilityChange]) async throws -> [Result<Void, QueueError>]

  /// Sends messages; each result is the new message's id.
  func send(_ messages: [OutgoingMessage]) async throws -> [Result<String, QueueError>]

  /// What the queue says of itself.
  func attributes() async throws -> QueueAttributes

  /// The dead-letter queue that the redrive policy names; nil where there is no policy.
  func deadLetterQueue() async throws -> (any MessageQueue)?
}

/// A message as it was received once; its handle is good for this receive alone.
public struct ReceivedMessage: Sendable {
  public var id: String
  public var receiptHandle: String
  /// As it came: not always JSON, nor always UTF-8.
  public var body: [UInt8]
  public var attributes: [String: MessageAttribute]
  /// How often it was received, this time included.
  public var receiveCount: Int
  public var sentAt: Date?
  public var firstReceivedAt: Date?
  /// FIFO and fair queues.
  public var groupID: String?
  /// FIFO queues.
  public var deduplicationID: String?
  /// X-Ray's trace header, where the producer sent one.
  public var traceHeader: String?

  public init(
    id: String,
    receiptHandle: String,
    body: [UInt8],
    attributes: [String: MessageAttribute] = [:],
    receiveCount: Int = 1,
    sentAt: Date? = nil,
    firstReceivedAt: Date? = nil,
    groupID: String? = nil,
    deduplicationID: String? = nil,
    traceHeader: String? = nil
  ) {
    self.id = id
    self.receiptHandle = receiptHandle
    self.body = body
    self.attributes = attributes
    self.receiveCount = receiveCount
    self.sentAt = sentAt
    self.firstReceivedAt = firstReceivedAt
    self.groupID = groupID
    self.deduplicationID = deduplicationID
    self.traceHeader = traceHeader
  }
}

/// A message to send.
public struct OutgoingMessage: Sendable {
  public var body: String
  public var attributes: [String: MessageAttribute]
  /// Required by FIFO queues; on standard queues it makes them fair.
  public var groupID: String?
  /// FIFO queues: a second message with this id within five minutes is dropped.
  public var deduplicationID: String?
  public var traceHeader: String?

  public init(
    body: String,
    attributes: [String: MessageAttribute] = [:],
    groupID: String? = nil,
    deduplicationID: String? = nil,
    traceHeader: String? = nil
  ) {
    self.body = body
    self.attributes = attributes
    self.groupID = groupID
    self.deduplicationID = deduplicationID
    self.traceHeader = traceHeader
  }
}

extension OutgoingMessage {
  /// What SQS counts toward its limit, in bytes.
  var size: Int { attributes.reduce(body.utf8.count) { $0 + $1.value.size(named: $1.key) } }
}

/// One entry of ``MessageQueue/changeVisibility(_:)``.
public struct VisibilityChange: Sendable {
  public var receiptHandle: String
  /// Counted from now; whole seconds, 12 hours at most from the receive.
  public var timeout: Duration

  public init(receiptHandle: String, timeout: Duration) {
    self.receiptHandle = receiptHandle
    self.timeout = timeout
  }
}

/// The attributes of a queue that a consumer acts on.
public struct QueueAttributes: Sendable, Hashable {
  public struct RedrivePolicy: Sendable, Hashable {
    /// `arn:aws:sqs:region:account:name`.
    public var deadLetterTargetArn: String
    public var maxReceiveCount: Int

    public init(deadLetterTargetArn: String, maxReceiveCount: Int) {
      self.deadLetterTargetArn = deadLetterTargetArn
      self.maxReceiveCount = maxReceiveCount
    }
  }

  public var redrivePolicy: RedrivePolicy?
  public var visibilityTimeout: Duration
  /// Approximate counts: visible, in flight, and delayed.
  public var visibleMessages: Int
  public var messagesInFlight: Int
  public var delayedMessages: Int

  public init(
    redrivePolicy: RedrivePolicy? = nil,
    visibilityTimeout: Duration = .seconds(30),
    visibleMessages: Int = 0,
    messagesInFlight: Int = 0,
    delayedMessages: Int = 0
  ) {
    self.redrivePolicy = redrivePolicy
    self.visibilityTimeout = visibilityTimeout
    self.visibleMessages = visibleMessages
    self.messagesInFlight = messagesInFlight
    self.delayedMessages = delayedMessages
  }

  /// Whether the queue holds nothing at all, as far as its approximate counts know.
  public var isEmpty: Bool { visibleMessages == 0 && messagesInFlight == 0 && delayedMessages == 0 }
}

/// Why a queue refused an operation or could not be reached.
public struct QueueError: ClassifiedError, CustomStringConvertible {
  /// The service's error code without namespace: `AWS.SimpleQueueService.NonExistentQueue`, `AccessDenied`; or one of
  /// ours for a failure below the service, such as ``Code/connection``.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }

    /// No answer: name resolution, connection, TLS, or a connection cut half-way.
    public static let connection = Code(rawValue: "ConnectionError")
    /// An answer that is not the protocol's.
    public static let invalidResponse = Code(rawValue: "InvalidResponse")
    /// Without what some servers put around a code and others do not: `AWS.SimpleQueueService.…`, `…Exception`.
    var shortName: String {
      let name = rawValue.split(separator: ".").last.map(String.init) ?? rawValue
      return name.hasSuffix("Exception") ? String(name.dropLast("Exception".count)) : name
    }

    /// No credentials could be found, or those that are configured cannot work.
    public static let noCredentials = Code(rawValue: "NoCredentials")
    /// Whoever hands out the credentials cannot at the moment.
    public static let credentialsUnavailable = Code(rawValue: "CredentialsUnavailable")
  }

  public var code: Code
  public var kind: ErrorKind
  /// The cause and the next step.
  public var message: String
  /// The HTTP status of the answer, where there was one.
  public var status: Int?
  public var requestID: String?

  public init(code: Code, kind: ErrorKind, message: String, status: Int? = nil, requestID: String? = nil) {
    self.code = code
    self.kind = kind
    self.message = message
    self.status = status
    self.requestID = requestID
  }

  public var description: String { "\(code): \(message)" }

  /// Whether the message's lease is over: it was given to someone else, or its handle has expired.
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
