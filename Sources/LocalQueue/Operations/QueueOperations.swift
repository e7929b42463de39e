struct CreateQueue: Operation {
  var QueueName: String
  var Attributes: [String: String]?
  /// The name is in lower case in JSON, unlike SQS's other names, but not in the Query protocol.
  var tags: [String: String]?
  var Tags: [String: String]?

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let requested = Attributes ?? [:]
    let isFIFO = requested["FifoQueue"]?.lowercased() == "true"
    try checkName(isFIFO: isFIFO)
    try QueueAttributes.check(requested, isFIFO: isFIFO)
    let attributes = try QueueAttributes().setting(requested)
    try checkRedrive(
      of: attributes, arn: broker.arn(ofQueueNamed: QueueName, for: caller), changed: requested, in: broker)
    let tags = tags ?? Tags ?? [:]
    try checkTags(tags)
    if let existing = broker.existingQueue(named: QueueName, in: caller.region) {
      let differing = attributes.values.keys.sorted().first { attributes.shown[$0] != existing.attributes.shown[$0] }
      if let differing { throw ServiceError.queueNameExists(differing) }
      return .answer(["QueueUrl": .string(broker.url(of: existing, for: caller))])
    }
    try broker.storage.checkRoom()
    let queue = try broker.createQueue(QueueName, attributes: attributes, tags: tags, for: caller)
    return .answer(["QueueUrl": .string(broker.url(of: queue, for: caller))])
  }

  private func checkName(isFIFO: Bool) throws {
    let stem = QueueName.hasSuffix(".fifo") ? QueueName.dropLast(5) : QueueName[...]
    guard (1...80).contains(QueueName.utf8.count), !stem.isEmpty, stem.utf8.allSatisfy(isNameByte) else {
      throw ServiceError.invalidParameter(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
    }
    guard isFIFO == QueueName.hasSuffix(".fifo") else {
      throw ServiceError.invalidParameter(
        isFIFO
          ? "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length."
          : "The name of a queue that ends in .fifo is a FIFO queue's; create it with the attribute FifoQueue=true.")
    }
  }
}

/// Checks a redrive policy.
///
/// - Throws: The error that SQS returns for an invalid policy.
private func checkRedrive(
  of attributes: QueueAttributes, arn: String, changed: [String: String], in broker: Broker
) throws {
  guard let text = changed["RedrivePolicy"], let policy = attributes.redrivePolicy else { return }
  guard let target = broker.queue(arn: policy.deadLetterTargetArn) else {
    throw ServiceError.invalidParameter("RedrivePolicy", text, "Dead letter target does not exist.")
  }
  guard target.arn != arn else {
    throw ServiceError.invalidParameter("RedrivePolicy", text, "A queue cannot be its own dead-letter queue.")
  }
  guard target.attributes.isFIFO == attributes.isFIFO else {
    throw ServiceError.invalidParameter(
      "RedrivePolicy", text, "Dead-letter queue must be same type of queue as the source.")
  }
  guard target.attributes.allowsRedrive(from: arn) else {
    throw ServiceError.invalidParameter(
      "RedrivePolicy", text, "The RedriveAllowPolicy of the dead-letter queue does not allow this source queue.")
  }
}

struct GetQueueUrl: Operation {
  var QueueName: String
  var QueueOwnerAWSAccountId: String?

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    .answer(["QueueUrl": .string(broker.url(of: try broker.queue(named: QueueName, for: caller), for: caller))])
  }
}

struct ListQueues: Operation {
  var QueueNamePrefix: String?
  var NextToken: String?
  var MaxResults: Int?

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let prefix = QueueNamePrefix ?? ""
    return .answer(
      try page(
        broker.queues(in: caller.region).filter { $0.name.hasPrefix(prefix) }, named: "QueueUrls", after: NextToken,
        atMost: MaxResults, in: broker, for: caller))
  }
}

struct ListDeadLetterSourceQueues: Operation {
  var QueueUrl: String?
  var NextToken: String?
  var MaxResults: Int?

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let target = try broker.queue(url: QueueUrl, for: caller)
    let sources = broker.queues(in: caller.region).filter {
      $0.attributes.redrivePolicy?.deadLetterTargetArn == target.arn
    }
    // The name is in lower case, unlike SQS's other names.
    let page = try page(sources, named: "queueUrls", after: NextToken, atMost: MaxResults, in: broker, for: caller)
    // Unlike SQS's other lists of queues, this one is present even if it is empty, as in the service model.
    return .answer(sources.isEmpty ? ["queueUrls": .array([])] : page)
  }
}

/// A page of queue URLs. The token of the next page is the last name of this one.
private func page(
  _ queues: [Queue], named name: String, after token: String?, atMost maxResults: Int?, in broker: Broker,
  for caller: Caller
) throws -> JSONValue {
  try Limits.check(maxResults, "MaxResults", in: 1...1_000)
  let rest = token.map { token in queues.filter { $0.name > token } } ?? queues
  let page = rest.prefix(maxResults ?? 1_000)
  return [
    // SQS omits an empty list.
    name: page.isEmpty ? nil : .array(page.map { .string(broker.url(of: $0, for: caller)) }),
    // SQS returns pages only to clients that limit their size.
    "NextToken": maxResults != nil && page.count < rest.count ? page.last.map { .string($0.name) } : nil,
  ]
}

struct GetQueueAttributes: Operation {
  var QueueUrl: String?
  var AttributeNames: [String]?

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    let names = AttributeNames ?? []
    if let unknown = names.first(where: { $0 != "All" && !QueueAttributes.isKnown($0) }) {
      throw ServiceError.invalidAttributeName(unknown)
    }
    try broker.settle(queue)
    var attributes = queue.attributes.shown
    attributes["QueueArn"] = queue.arn
    attributes["CreatedTimestamp"] = String(queue.createdAt / 1000)
    attributes["LastModifiedTimestamp"] = String(queue.modifiedAt / 1000)
    attributes["ApproximateNumberOfMessages"] = String(queue.messages.visibleCount)
    attributes["ApproximateNumberOfMessagesNotVisible"] = String(queue.messages.inFlightCount)
    attributes["ApproximateNumberOfMessagesDelayed"] = String(queue.messages.delayedCount)
    if !names.contains("All") { attributes = attributes.filter { names.contains($0.key) } }
    return .answer(attributes.isEmpty ? .emptyObject : ["Attributes": .strings(attributes)])
  }
}

struct SetQueueAttributes: Operation {
  var QueueUrl: String?
  var Attributes: [String: String]

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    try QueueAttributes.check(Attributes, isFIFO: queue.attributes.isFIFO)
    if let isFIFO = Attributes["FifoQueue"], isFIFO.lowercased() != "true" {
      throw ServiceError.invalidAttributeValue("FifoQueue", "Modifying queue type is not supported.")
    }
    let attributes = try queue.attributes.setting(Attributes)
    try checkRedrive(of: attributes, arn: queue.arn, changed: Attributes, in: broker)
    let isDelayed = attributes.isFIFO && attributes.delay != queue.attributes.delay
    queue.change(attributes, at: broker.now)
    if isDelayed { try broker.delayMessages(of: queue) }
    try broker.storage.update(queue)
    return .done
  }
}

struct DeleteQueue: Operation {
  var QueueUrl: String?

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    try broker.delete(try broker.queue(url: QueueUrl, for: caller))
    return .done
  }
}

struct PurgeQueue: Operation {
  var QueueUrl: String?

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    try broker.storage.deleteMessages(of: queue.id)
    try broker.storage.deleteDeduplications(of: queue.id)
    queue.messages.removeAll()
    queue.deduplication = Deduplication()
    return .done
  }
}
