import Foundation

/// The attributes of a queue, as they were set, for responses, and as parsed values.
struct QueueAttributes: Sendable {
  struct RedrivePolicy: Sendable, Equatable {
    var deadLetterTargetArn: String
    var maxReceiveCount: Int
  }

  /// The values that were set, by SQS's names.
  private(set) var values: [String: String] = [:]
  private(set) var visibilityTimeout = 30
  private(set) var delay = 0
  private(set) var retention = 345_600
  private(set) var maximumMessageSize = Limits.messageSize
  private(set) var waitTime = 0
  private(set) var redrivePolicy: RedrivePolicy?

  var isFIFO: Bool { values["FifoQueue"] == "true" }
  var deduplicatesContent: Bool { values["ContentBasedDeduplication"] == "true" }
  var deduplicatesGroups: Bool { values["DeduplicationScope"] == "messageGroup" }

  /// The attributes that every queue returns, set or not.
  private static let defaults = [
    "VisibilityTimeout": "30", "DelaySeconds": "0", "MessageRetentionPeriod": "345600",
    "MaximumMessageSize": "\(Limits.messageSize)", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true",
  ]
  private static let fifoDefaults = [
    "ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue",
  ]
  private static let ranges = [
    "VisibilityTimeout": Limits.visibilityTimeout, "DelaySeconds": Limits.delay,
    "MessageRetentionPeriod": Limits.retention, "MaximumMessageSize": 1_024...Limits.messageSize,
    "ReceiveMessageWaitTimeSeconds": Limits.waitTime, "KmsDataKeyReusePeriodSeconds": 60...86_400,
  ]
  private static let choices = [
    "FifoQueue": ["true", "false"], "ContentBasedDeduplication": ["true", "false"],
    "SqsManagedSseEnabled": ["true", "false"], "DeduplicationScope": ["queue", "messageGroup"],
    "FifoThroughputLimit": ["perQueue", "perMessageGroupId"],
  ]
  private static let documents: Set = ["Policy", "RedrivePolicy", "RedriveAllowPolicy"]
  private static let texts: Set = ["KmsMasterKeyId"]
  /// The attributes that only SQS sets.
  static let measured = [
    "QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
  ]

  /// The attributes to return: the values that were set, and defaults for the others.
  var shown: [String: String] {
    var shown = Self.defaults
    if isFIFO { shown.merge(Self.fifoDefaults) { $1 } }
    if values["KmsMasterKeyId"] != nil {
      shown["KmsDataKeyReusePeriodSeconds"] = "300"
      shown["SqsManagedSseEnabled"] = "false"
    }
    shown.merge(values) { $1 }
    if values["KmsMasterKeyId"] == nil { shown["KmsDataKeyReusePeriodSeconds"] = nil }
    return shown
  }

  static func isKnown(_ name: String) -> Bool {
    ranges[name] != nil || choices[name] != nil || documents.contains(name) || texts.contains(name)
      || measured.contains(name)
  }

  /// Checks attributes against the type of the queue.
  ///
  /// - Throws: A ``ServiceError`` for a FIFO attribute on a standard queue, even if its value is `false`.
  static func check(_ changes: [String: String], isFIFO: Bool) throws {
    let names = ["FifoQueue"] + fifoDefaults.keys.sorted()
    if !isFIFO, let name = names.first(where: { changes[$0] != nil }) { throw ServiceError.invalidAttributeName(name) }
    let encryptsItself = changes["SqsManagedSseEnabled"]?.lowercased() == "true"
    if encryptsItself, changes["KmsMasterKeyId"]?.isEmpty == false {
      throw ServiceError.twoEncryptions
    }
  }

  /// Returns these attributes with changes applied.
  ///
  /// - Throws: A ``ServiceError`` that names the attribute that SQS rejects.
  func setting(_ changes: [String: String]) throws -> QueueAttributes {
    var result = self
    for (name, value) in changes.sorted(by: { $0.key < $1.key }) { try result.set(name, value) }
    try result.checkTogether()
    return result
  }

  private mutating func set(_ name: String, _ value: String) throws {
    if let range = Self.ranges[name] {
      guard let number = Int(value), range.contains(number) else { throw ServiceError.invalidAttributeValue(name) }
      set(name, number)
      values[name] = String(number)
      return
    } else if let choices = Self.choices[name] {
      let choice = ["true", "false"].contains(value.lowercased()) ? value.lowercased() : value
      guard choices.contains(choice) else { throw ServiceError.invalidAttributeValue(name) }
      values[name] = choice
      if name == "SqsManagedSseEnabled", choice == "true" { dropKey() }
      return
    } else if Self.documents.contains(name) {
      guard value.isEmpty || (try? JSONSerialization.jsonObject(with: Data(value.utf8))) is [String: Any] else {
        throw ServiceError.invalidAttributeValue(name)
      }
      if name == "RedrivePolicy" { redrivePolicy = try Self.redrivePolicy(value) }
    } else if !Self.texts.contains(name) {
      // Measured attributes can be requested, but not set.
      throw ServiceError.invalidAttributeName(name)
    }
    values[name] = value.isEmpty ? nil : value
    if name == "KmsMasterKeyId" {
      if value.isEmpty { dropKey() } else { values["SqsManagedSseEnabled"] = nil }
    }
  }

  /// Removes the KMS key and its reuse period, which requires a key.
  private mutating func dropKey() {
    values["KmsMasterKeyId"] = nil
    values["KmsDataKeyReusePeriodSeconds"] = nil
  }

  private mutating func set(_ name: String, _ number: Int) {
    switch name {
    case "VisibilityTimeout": visibilityTimeout = number
    case "DelaySeconds": delay = number
    case "MessageRetentionPeriod": retention = number
    case "MaximumMessageSize": maximumMessageSize = number
    case "ReceiveMessageWaitTimeSeconds": waitTime = number
    default: break
    }
  }

  private func checkTogether() throws {
    if values["FifoThroughputLimit"] == "perMessageGroupId", !deduplicatesGroups {
      throw ServiceError.invalidAttributeValue(
        "FifoThroughputLimit: perMessageGroupId needs DeduplicationScope=messageGroup")
    }
  }

  private static func redrivePolicy(_ text: String) throws -> RedrivePolicy? {
    if text.isEmpty { return nil }
    guard let policy = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
      throw ServiceError.invalidAttributeValue("RedrivePolicy")
    }
    guard let target = policy["deadLetterTargetArn"] as? String, let count = policy["maxReceiveCount"] else {
      throw ServiceError.invalidParameter(
        "RedrivePolicy", text, "Redrive policy must have deadLetterTargetArn and maxReceiveCount.")
    }
    guard target.split(separator: ":", omittingEmptySubsequences: false).count == 6, target.hasPrefix("arn:") else {
      throw ServiceError.invalidParameter("RedrivePolicy", text, "Invalid value for deadLetterTargetArn.")
    }
    // Clients send the number as a number or as a string.
    guard let maxReceiveCount = (count as? Int) ?? (count as? String).flatMap({ Int($0) }),
      Limits.maxReceiveCount.contains(maxReceiveCount)
    else {
      throw ServiceError.invalidParameter(
        "RedrivePolicy", text,
        "Invalid value for maxReceiveCount: \(count), valid values are from 1 to 1000 both inclusive.")
    }
    return RedrivePolicy(deadLetterTargetArn: target, maxReceiveCount: maxReceiveCount)
  }

  /// Whether messages of a source queue may be redriven to the queue with these attributes.
  func allowsRedrive(from sourceArn: String) -> Bool {
    guard let text = values["RedriveAllowPolicy"],
      let policy = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    else { return true }
    switch policy["redrivePermission"] as? String {
    case "denyAll": return false
    case "byQueue": return (policy["sourceQueueArns"] as? [String] ?? []).contains(sourceArn)
    default: return true
    }
  }
}
