import Foundation

struct StartMessageMoveTask: Operation {
  var SourceArn: String
  var DestinationArn: String?
  var MaxNumberOfMessagesPerSecond: Int?

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    guard let source = broker.queue(arn: SourceArn) else {
      throw ServiceError.resourceNotFound("The resource that you specified for the SourceArn parameter doesn't exist.")
    }
    guard broker.queues.values.contains(where: { $0.attributes.redrivePolicy?.deadLetterTargetArn == source.arn })
    else {
      throw ServiceError.invalidParameter("Source queue must be configured as a Dead Letter Queue.")
    }
    if let DestinationArn {
      guard let destination = broker.queue(arn: DestinationArn) else {
        throw ServiceError.resourceNotFound(
          "The resource that you specified for the DestinationArn parameter doesn't exist.")
      }
      guard destination !== source else {
        throw ServiceError.invalidParameter("The source and the destination of a move task must be different queues.")
      }
      guard destination.attributes.isFIFO == source.attributes.isFIFO else {
        throw ServiceError.unsupportedOperation("The source and the destination must be queues of the same type.")
      }
    }
    try Limits.check(MaxNumberOfMessagesPerSecond, "MaxNumberOfMessagesPerSecond", in: 1...500)
    guard !broker.moveTasks.contains(where: { $0.isRunning && $0.stored.sourceArn == source.arn }) else {
      throw ServiceError.invalidParameter(
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
    }
    try broker.settle(source)
    let id = #"{"taskId":"\#(newIdentifier())","sourceArn":"\#(source.arn)"}"#
    let task = StoredMoveTask(
      handle: Data(id.utf8).base64EncodedString(), sourceArn: source.arn, destinationArn: DestinationArn,
      messagesPerSecond: MaxNumberOfMessagesPerSecond, total: source.messages.visibleCount, startedAt: broker.now)
    try broker.storage.save(task)
    // SQS returns the latest ten tasks.
    let earlier = broker.moveTasks.filter { $0.stored.sourceArn == source.arn }.sorted {
      $0.stored.startedAt > $1.stored.startedAt
    }
    for old in earlier.dropFirst(9) {
      try broker.storage.delete(old.stored)
      broker.moveTasks.removeAll { $0.stored.handle == old.stored.handle }
    }
    broker.moveTasks.append(MoveTask(task, resumedAt: broker.now))
    return .answer(["TaskHandle": .string(task.handle)])
  }
}

struct ListMessageMoveTasks: Operation {
  var SourceArn: String
  var MaxResults: Int?

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    try Limits.check(MaxResults, "MaxResults", in: 1...10)
    guard let source = broker.queue(arn: SourceArn) else {
      throw ServiceError.resourceNotFound("The resource that you specified for the SourceArn parameter doesn't exist.")
    }
    let tasks = broker.moveTasks.map(\.stored).filter { $0.sourceArn == source.arn }
    let latest = tasks.sorted { $0.startedAt > $1.startedAt }.prefix(MaxResults ?? 1)
    return .answer(["Results": .array(latest.map(describe))])
  }

  private func describe(_ task: StoredMoveTask) -> JSONValue {
    [
      "TaskHandle": task.status == .running ? .string(task.handle) : nil,
      "Status": .string(task.status.rawValue),
      "SourceArn": .string(task.sourceArn),
      "DestinationArn": task.destinationArn.map { .string($0) },
      "MaxNumberOfMessagesPerSecond": task.messagesPerSecond.map { .number($0) },
      "ApproximateNumberOfMessagesMoved": .number(task.moved),
      "ApproximateNumberOfMessagesToMove": .number(task.total),
      "FailureReason": task.failureReason.map { .string($0) },
      "StartedTimestamp": .number(Int(task.startedAt)),
    ]
  }
}

struct CancelMessageMoveTask: Operation {
  var TaskHandle: String

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    guard let text = Data(base64Encoded: TaskHandle),
      let handle = try? JSONSerialization.jsonObject(with: text) as? [String: Any],
      let sourceArn = handle["sourceArn"] as? String
    else { throw ServiceError.invalidParameter("Value for parameter TaskHandle is invalid.") }
    guard broker.queue(arn: sourceArn) != nil else {
      throw ServiceError.resourceNotFound("The resource that you specified for the SourceArn parameter doesn't exist.")
    }
    guard let index = broker.moveTasks.firstIndex(where: { $0.stored.handle == TaskHandle }) else {
      throw ServiceError.resourceNotFound("Task does not exist.")
    }
    guard broker.moveTasks[index].isRunning else {
      throw ServiceError.unsupportedOperation("The task has ended: only a task that is running can be cancelled.")
    }
    try broker.moveTasks[index].cancel(in: broker)
    return .answer(["ApproximateNumberOfMessagesMoved": .number(broker.moveTasks[index].stored.moved)])
  }
}
