import Foundation

struct TagQueue: Operation {
  var QueueUrl: String?
  var Tags: [String: String]

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    let tags = queue.tags.merging(Tags) { $1 }
    try checkTags(tags)
    queue.tags = tags
    try broker.storage.update(queue)
    return .done
  }
}

/// Checks tags.
///
/// - Throws: The error that SQS returns for invalid tags.
func checkTags(_ tags: [String: String]) throws {
  guard tags.count <= Limits.tags else {
    throw ServiceError.invalidParameter(
      "Too many tags: a queue has \(Limits.tags) at most, and this would be \(tags.count).")
  }
  for (key, value) in tags
  where !(1...128).contains(key.count) || value.count > 256 || !isValidMessageText(key + value) {
    throw ServiceError.invalidParameter(
      "Tag '\(key.prefix(128))' is invalid: a key has 1 to 128 characters, and a value 256 at most, none of them a control character."
    )
  }
}

struct UntagQueue: Operation {
  var QueueUrl: String?
  var TagKeys: [String]

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    for key in TagKeys { queue.tags[key] = nil }
    try broker.storage.update(queue)
    return .done
  }
}

struct ListQueueTags: Operation {
  var QueueUrl: String?

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let tags = try broker.queue(url: QueueUrl, for: caller).tags
    return .answer(tags.isEmpty ? .emptyObject : ["Tags": .strings(tags)])
  }
}

/// Adds a statement to the queue's policy. The policy is stored and returned, but never enforced.
struct AddPermission: Operation {
  var QueueUrl: String?
  var Label: String
  var AWSAccountIds: [String]
  var Actions: [String]

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    guard (1...80).contains(Label.utf8.count), Label.utf8.allSatisfy(isNameByte) else {
      throw ServiceError.invalidParameter(
        "Label", Label.prefix(80), "Must be 1 to 80 alphanumeric characters, hyphens or underscores.")
    }
    guard !AWSAccountIds.isEmpty else { throw ServiceError.missingParameter("AWSAccountIds") }
    guard !Actions.isEmpty else { throw ServiceError.missingParameter("Actions") }
    if let unknown = Actions.first(where: { $0 != "*" && Operations.all[$0] == nil }) {
      throw ServiceError.invalidParameter(
        "ActionName", "SQS:\(unknown.prefix(80))", "Please refer to the appropriate WSDL for a list of valid actions.")
    }
    var policy = Policy(queue)
    guard !policy.statements.contains(where: { $0["Sid"] as? String == Label }) else {
      throw ServiceError.invalidParameter("Label", Label, "Already exists.")
    }
    let principals = AWSAccountIds.map { "arn:\(partition(of: queue.region)):iam::\($0):root" }
    let actions = Actions.map { "SQS:\($0)" }
    policy.statements.append([
      "Sid": Label, "Effect": "Allow", "Resource": queue.arn,
      "Principal": ["AWS": principals.count == 1 ? principals[0] as Any : principals],
      "Action": actions.count == 1 ? actions[0] as Any : actions,
    ])
    try policy.save(in: broker)
    return .done
  }
}

struct RemovePermission: Operation {
  var QueueUrl: String?
  var Label: String

  func run(in broker: Broker, for caller: Caller) throws -> Outcome {
    let queue = try broker.queue(url: QueueUrl, for: caller)
    var policy = Policy(queue)
    let count = policy.statements.count
    policy.statements.removeAll { $0["Sid"] as? String == Label }
    guard policy.statements.count < count else {
      throw ServiceError.invalidParameter("Label", Label.prefix(80), "can't find label.")
    }
    try policy.save(in: broker)
    return .done
  }
}

/// The policy of a queue, for adding and removing permissions.
private struct Policy {
  let queue: Queue
  private var document: [String: Any]
  var statements: [[String: Any]]

  init(_ queue: Queue) {
    self.queue = queue
    let text = queue.attributes.values["Policy"] ?? ""
    let existing = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    document = existing ?? ["Version": "2008-10-17", "Id": "\(queue.arn)/SQSDefaultPolicy"]
    statements = document["Statement"] as? [[String: Any]] ?? []
  }

  func save(in broker: Broker) throws {
    var document = document
    document["Statement"] = statements
    let text = String(
      decoding: try JSONSerialization.data(withJSONObject: document, options: [.sortedKeys, .withoutEscapingSlashes]),
      as: UTF8.self)
    queue.attributes = try queue.attributes.setting(["Policy": statements.isEmpty ? "" : text])
    try broker.storage.update(queue)
  }
}
