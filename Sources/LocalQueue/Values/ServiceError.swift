/// An error response of SQS.
struct ServiceError: Error, Equatable {
  /// The name of the error's shape: `QueueDoesNotExist`.
  let name: String
  /// The code in the Query protocol, if it differs: `AWS.SimpleQueueService.NonExistentQueue`.
  let code: String
  let status: Int
  let message: String

  init(_ name: String, code: String? = nil, status: Int = 400, _ message: String) {
    self.name = name
    self.code = code ?? name
    self.status = status
    self.message = message
  }

  /// The message in the Query protocol.
  var queryMessage: String {
    guard name == "QueueDoesNotExist" else { return message }
    return message.replacing("does not exist", with: "does not exist for this wsdl version", maxReplacements: 1)
  }

  /// Whether the caller caused the error.
  var isSenderFault: Bool { status < 500 }

  private static func simpleQueueService(_ name: String, _ suffix: String? = nil, _ message: String) -> ServiceError {
    ServiceError(name, code: "AWS.SimpleQueueService.\(suffix ?? name)", message)
  }

  static func queueDoesNotExist(_ hint: String = "") -> ServiceError {
    simpleQueueService("QueueDoesNotExist", "NonExistentQueue", "The specified queue does not exist\(hint).")
  }

  static func queueNameExists(_ attribute: String) -> ServiceError {
    ServiceError(
      "QueueNameExists", code: "QueueAlreadyExists",
      "A queue already exists with the same name and a different value for attribute \(attribute)")
  }

  static func missingParameter(_ name: String) -> ServiceError {
    ServiceError(
      "MissingRequiredParameterException", code: "MissingParameter",
      "The request must contain the parameter \(name).")
  }

  static func invalidParameter(_ message: String) -> ServiceError {
    ServiceError("InvalidParameterValueException", code: "InvalidParameterValue", message)
  }

  static func invalidParameter(_ name: String, _ value: some CustomStringConvertible, _ reason: String) -> ServiceError
  {
    invalidParameter("Value \(value) for parameter \(name) is invalid. Reason: \(reason)")
  }

  static func invalidAttributeName(_ name: String) -> ServiceError {
    ServiceError("InvalidAttributeName", "Unknown Attribute \(name).")
  }

  static func invalidAttributeValue(_ name: String, _ reason: String? = nil) -> ServiceError {
    ServiceError(
      "InvalidAttributeValue", "Invalid value for the parameter \(name).\(reason.map { " Reason: \($0)" } ?? "")")
  }

  static let twoEncryptions = ServiceError(
    "InvalidAttributeName",
    "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")

  static func receiptHandleIsInvalid(_ handle: String) -> ServiceError {
    ServiceError(
      "ReceiptHandleIsInvalid", "The input receipt handle \"\(handle.prefix(200))\" is not a valid receipt handle.")
  }

  static let messageNotInflight = simpleQueueService(
    "MessageNotInflight", nil, "The message referred to isn't in flight.")

  static let invalidMessageContents = ServiceError(
    "InvalidMessageContents",
    "Invalid characters were found in the message body. Valid unicode characters are \(validCharacters)")

  static let validCharacters = "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"

  static func emptyBatch(_ entry: String) -> ServiceError {
    simpleQueueService("EmptyBatchRequest", nil, "There should be at least one \(entry) in the request.")
  }

  static func tooManyEntries(_ count: Int) -> ServiceError {
    simpleQueueService(
      "TooManyEntriesInBatchRequest", nil,
      "Maximum number of entries per request are \(Limits.batchEntries). You have sent \(count).")
  }

  static func batchEntryIdsNotDistinct(_ id: String) -> ServiceError {
    simpleQueueService("BatchEntryIdsNotDistinct", nil, "Id \(id) repeated.")
  }

  static let invalidBatchEntryId = simpleQueueService(
    "InvalidBatchEntryId", nil,
    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
  )

  static func batchRequestTooLong(_ size: Int) -> ServiceError {
    simpleQueueService(
      "BatchRequestTooLong", nil,
      "Batch requests cannot be longer than \(Limits.messageSize) bytes. You have sent \(size) bytes.")
  }

  static func unsupportedOperation(_ message: String) -> ServiceError {
    simpleQueueService("UnsupportedOperation", nil, message)
  }

  static func resourceNotFound(_ message: String) -> ServiceError {
    ServiceError("ResourceNotFoundException", status: 404, message)
  }

  static let overLimit = ServiceError(
    "OverLimit", status: 403,
    "Too many messages in flight: the maximum is \(Limits.messagesInFlight) a queue. Delete what was handled, or let it become visible again."
  )

  static func unknownOperation(_ name: String) -> ServiceError {
    ServiceError(
      "UnknownOperationException", code: "InvalidAction",
      "The action \(name.prefix(100)) is not valid for this endpoint.")
  }

  /// The error for a Query request without an action.
  static let noOperation = ServiceError(
    "UnknownOperationException", status: 404,
    "The request names no operation; is it a request to SQS? A form names it in Action, JSON in the header X-Amz-Target."
  )

  static func invalidAddress(_ url: String) -> ServiceError {
    ServiceError("InvalidAddress", status: 404, "The address \(url.prefix(200)) is not valid for this endpoint.")
  }

  static let onlyReceives = ServiceError("InvalidRequest", "This endpoint only accepts ReceiveMessage calls")

  static func serialization(_ message: String) -> ServiceError {
    ServiceError("SerializationException", code: "MalformedInput", message)
  }

  /// The error for a commit to a file that is no longer at its path.
  static func filesAreGone(_ path: String) -> ServiceError {
    ServiceError(
      "InternalFailure", status: 500,
      "\(path) was moved, deleted or replaced while the local queue uses it, so nothing is acknowledged. Put it back, or stop the local queue and start it again."
    )
  }

  /// The error for a request that does not fit on the disk.
  static let diskIsFull = ServiceError(
    "ServiceUnavailable", status: 503,
    "The disk that keeps the queues is full, and nothing of this request was done. Free some space.")

  /// The error for a request that would store more, if the remaining space is reserved for receiving and deleting.
  static let noRoomForMore = ServiceError(
    "ServiceUnavailable", status: 503,
    "\(diskIsFull.message) Until then messages can be received and deleted, and none can be sent.")

  static let internalFailure = ServiceError(
    "InternalFailure", status: 500,
    "The local queue could not write to its database; nothing of this request was done. Its log says why.")
}
