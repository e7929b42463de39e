/// An SQS operation with its parameters, named as in JSON.
protocol Operation: Decodable, Sendable {
  /// Performs the operation, on the broker's thread and in a transaction.
  ///
  /// - Throws: A ``ServiceError`` before anything was written, or an error of the database.
  func run(in broker: Broker, for caller: Caller) throws -> Outcome
}

/// The immediate outcome of an operation.
enum Outcome {
  case answer(JSONValue)
  /// A receive found no message and waits. `retry` repeats it, and returns nil while there is no message.
  case waiting(on: Queue, seconds: Int, retry: (Broker) throws -> JSONValue?)

  static var done: Outcome { .answer(.emptyObject) }
}

/// The sender of a request.
struct Caller: Sendable {
  /// The region in the request's credential scope.
  var region: String
  /// The URL by which the caller reaches this server: `http://127.0.0.1:4566`. Queue URLs start with it.
  var endpoint: String
  /// The request's `X-Amzn-Trace-Id`. A message that the request sends carries it.
  var traceHeader: String?
  /// Whether the client is still connected.
  var isConnected: @Sendable () -> Bool
}

enum Operations {
  /// The operations that change nothing.
  static let reading: Set = [
    "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "ListMessageMoveTasks", "ListQueueTags",
    "ListQueues",
  ]

  /// All operations, by SQS's names.
  static let all: [String: any Operation.Type] = [
    "AddPermission": AddPermission.self,
    "CancelMessageMoveTask": CancelMessageMoveTask.self,
    "ChangeMessageVisibility": ChangeMessageVisibility.self,
    "ChangeMessageVisibilityBatch": ChangeMessageVisibilityBatch.self,
    "CreateQueue": CreateQueue.self,
    "DeleteMessage": DeleteMessage.self,
    "DeleteMessageBatch": DeleteMessageBatch.self,
    "DeleteQueue": DeleteQueue.self,
    "GetQueueAttributes": GetQueueAttributes.self,
    "GetQueueUrl": GetQueueUrl.self,
    "ListDeadLetterSourceQueues": ListDeadLetterSourceQueues.self,
    "ListMessageMoveTasks": ListMessageMoveTasks.self,
    "ListQueueTags": ListQueueTags.self,
    "ListQueues": ListQueues.self,
    "PurgeQueue": PurgeQueue.self,
    "ReceiveMessage": ReceiveMessage.self,
    "RemovePermission": RemovePermission.self,
    "SendMessage": SendMessage.self,
    "SendMessageBatch": SendMessageBatch.self,
    "SetQueueAttributes": SetQueueAttributes.self,
    "StartMessageMoveTask": StartMessageMoveTask.self,
    "TagQueue": TagQueue.self,
    "UntagQueue": UntagQueue.self,
  ]
}

/// An entry of a batch.
protocol BatchEntry: Decodable, Sendable {
  var Id: String { get }
  /// The name of the list of entries in the Query protocol and in SQS's messages.
  static var listName: String { get }
}

extension Collection where Element: BatchEntry {
  /// Checks a batch.
  ///
  /// - Throws: The error that SQS returns for an invalid batch.
  func validate() throws {
    guard !isEmpty else { throw ServiceError.emptyBatch(Element.listName) }
    guard count <= Limits.batchEntries else { throw ServiceError.tooManyEntries(count) }
    var seen: Set<String> = []
    for entry in self {
      guard (1...80).contains(entry.Id.utf8.count), entry.Id.utf8.allSatisfy(isNameByte) else {
        throw ServiceError.invalidBatchEntryId
      }
      guard seen.insert(entry.Id).inserted else { throw ServiceError.batchEntryIdsNotDistinct(entry.Id) }
    }
  }

  /// Performs each entry separately. A failed entry is reported, and the others succeed.
  func runEach(_ body: (Element) throws -> JSONValue) throws -> Outcome {
    var successful: [JSONValue] = []
    var failed: [JSONValue] = []
    for entry in self {
      do {
        let answer = try body(entry)
        guard case .object(let members) = answer else { continue }
        successful.append(.object([.init("Id", .string(entry.Id))] + members))
      } catch let error as ServiceError {
        failed.append([
          "Id": .string(entry.Id), "SenderFault": .bool(error.isSenderFault), "Code": .string(error.code),
          "Message": .string(error.message),
        ])
      }
    }
    var members: [JSONValue.Member] = []
    if !successful.isEmpty || failed.isEmpty { members.append(.init("Successful", .array(successful))) }
    if !failed.isEmpty { members.append(.init("Failed", .array(failed))) }
    return .answer(.object(members))
  }
}
