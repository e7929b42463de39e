struct DeleteMessage: Operation {
  var QueueUrl: String?
  var ReceiptHandle: String

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    return .answer(try deleteMessage(ReceiptHandle, from: queue, in: broker))
  }
}

struct DeleteMessageBatch: Operation {
  struct Entry: BatchEntry {
    var Id: String
    var ReceiptHandle: String

    static let listName = "DeleteMessageBatchRequestEntry"
  }

  var QueueUrl: String?
  var Entries: [Entry]

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    try Entries.validate()
    return try Entries.runEach { try deleteMessage($0.ReceiptHandle, from: queue, in: broker) }
  }
}

/// Deletes a message. It is not an error if the message no longer exists or was received again, except that a FIFO
/// queue reports an expired handle.
private func deleteMessage(_ text: String, from queue: Queue, in broker: Broker) throws -> JSONValue {
  let handle = try ReceiptHandle(text, of: queue)
  queue.messages.showDue(at: broker.now)
  guard let message = queue.messages[handle.message] else { return .emptyObject }
  if queue.attributes.isFIFO, message.phase != .inFlight || message.receiveCount != handle.receiveCount {
    throw ServiceError.invalidParameter("ReceiptHandle", text, "The receipt handle has expired.")
  }
  guard message.receiveCount == handle.receiveCount else { return .emptyObject }
  queue.messages.remove(handle.message)
  try broker.storage.delete(handle.message)
  return .emptyObject
}

struct ChangeMessageVisibility: Operation {
  var QueueUrl: String?
  var ReceiptHandle: String
  var VisibilityTimeout: Int

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    return .answer(try changeVisibility(ReceiptHandle, VisibilityTimeout, in: queue, broker))
  }
}

struct ChangeMessageVisibilityBatch: Operation {
  struct Entry: BatchEntry {
    var Id: String
    var ReceiptHandle: String
    var VisibilityTimeout: Int?

    static let listName = "ChangeMessageVisibilityBatchRequestEntry"
  }

  var QueueUrl: String?
  var Entries: [Entry]

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    try Entries.validate()
    return try Entries.runEach { entry in
      guard let timeout = entry.VisibilityTimeout else { throw ServiceError.missingParameter("VisibilityTimeout") }
      return try changeVisibility(entry.ReceiptHandle, timeout, in: queue, broker)
    }
  }
}

private func changeVisibility(_ text: String, _ timeout: Int, in queue: Queue, _ broker: Broker) throws -> JSONValue {
  let handle = try ReceiptHandle(text, of: queue)
  guard Limits.visibilityTimeout.contains(timeout) else {
    throw ServiceError.invalidParameter("VisibilityTimeout", timeout, "Must be between 0 and 43200.")
  }
  queue.messages.showDue(at: broker.now)
  guard let message = queue.messages[handle.message] else {
    throw ServiceError.invalidParameter(
      "ReceiptHandle", text, "Message does not exist or is not available for visibility timeout change.")
  }
  // On a standard queue, any handle of an existing message is valid, whether the message is in flight or not, as
  // recordings of SQS show. It is unknown whether SQS hides a visible message again; here it is in flight again, as the
  // handle's owner expects.
  guard !queue.attributes.isFIFO || message.phase == .inFlight && message.receiveCount == handle.receiveCount else {
    throw ServiceError.messageNotInflight
  }
  let until = broker.now + .seconds(timeout)
  guard until <= message.receivedAt + .seconds(Limits.visibilityTimeout.upperBound) else {
    throw ServiceError.invalidParameter(
      "VisibilityTimeout", timeout,
      "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
  }
  queue.messages.hide(handle.message, until: until, at: broker.now)
  try broker.storage.hide(handle.message, until: until)
  return .emptyObject
}
