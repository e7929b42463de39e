/// One of SQS's operations: its parameters, under the names that SQS gives them in JSON.
protocol Operation: Decodable, Sendable {
  /// Does it, on the broker's thread and inside of a transaction.
  ///
  /// - Throws: a ``ServiceError``, before anything was written; or what the database throws.
  func run(in broker: Broker, for caller: Caller) throws -> Outcome
}

/// What becomes of an operation at once.
enum Outcome {
  case answer(JSONValue)
  /// A receive found nothing, and waits: `retry` tries again, and gives nil while there still is nothing.
  case waiting(on: Queue, seconds: Int, retry: (Broker) throws -> JSONValue?)

  static var done: Outcome { .answer(.emptyObject) }
}

/// Who asks, and from where.
struct Caller: Sendable {
  /// Of the request's credential scope.
  var region: String
  /// Where the caller reaches this server: `http://127.0.0.1:4566`. Queue URLs begin with it.
  var endpoint: String
  /// The access key, which stands for the caller's identity.
  var accessKey: String
  /// False once the caller has hung up.
  var isConnected: @Sendable () -> Bool
}

enum Operations {
  /// By SQS's names.
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
  /// What the list of them is called in the Query protocol and in SQS's messages.
  static var listName: String { get }
}

extension Collection where Element: BatchEntry {
  /// - Throws: what SQS answers to a batch that it does not take at all.
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

  /// Does each entry by itself: one that fails is reported, and the others are done.
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
