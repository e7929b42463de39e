/// How names of the Query protocol and of the JSON protocol correspond: in one, lists and maps are flattened, and each
/// element bears the name of the list.
enum QueryNames {
  struct Map {
    var name: String
    var key = "Name"
    var value = "Value"
  }

  // MARK: - Parameters

  static let lists = [
    "AttributeName": "AttributeNames",
    "MessageSystemAttributeName": "MessageSystemAttributeNames",
    "MessageAttributeName": "MessageAttributeNames",
    "SendMessageBatchRequestEntry": "Entries",
    "DeleteMessageBatchRequestEntry": "Entries",
    "ChangeMessageVisibilityBatchRequestEntry": "Entries",
    "AWSAccountId": "AWSAccountIds",
    "ActionName": "Actions",
    "TagKey": "TagKeys",
  ]

  static let maps = [
    "Attribute": Map(name: "Attributes"),
    "MessageAttribute": Map(name: "MessageAttributes"),
    "MessageSystemAttribute": Map(name: "MessageSystemAttributes"),
    "Tag": Map(name: "Tags", key: "Key"),
    "Tags": Map(name: "Tags", key: "Key"),
  ]

  static let numbers: Set = [
    "DelaySeconds", "MaxNumberOfMessages", "MaxNumberOfMessagesPerSecond", "MaxResults", "VisibilityTimeout",
    "WaitTimeSeconds",
  ]

  // MARK: - Answers

  private static let elements = [
    "QueueUrls": "QueueUrl", "queueUrls": "QueueUrl", "Messages": "Message", "Failed": "BatchResultErrorEntry",
    "Results": "ListMessageMoveTasksResultEntry",
  ]
  private static let answeredMaps = [
    "Attributes": ("Attribute", "Name"), "MessageAttributes": ("MessageAttribute", "Name"), "Tags": ("Tag", "Key"),
  ]

  /// Writes an answer of an operation, or a part of one.
  static func write(_ value: JSONValue, of operation: String, to xml: inout XMLWriter) {
    guard case .object(let members) = value else { return }
    for member in members {
      switch member.value {
      case .string(let text): xml.element(member.name, text)
      case .number(let number): xml.element(member.name, String(number))
      case .bool(let flag): xml.element(member.name, String(flag))
      case .array(let list):
        let name = elements[member.name] ?? "\(operation)ResultEntry"
        for element in list {
          if case .string(let text) = element {
            xml.element(name, text)
          } else {
            xml.element(name) { write(element, of: operation, to: &$0) }
          }
        }
      case .object(let entries):
        guard let (name, key) = answeredMaps[member.name] else { continue }
        for entry in entries {
          xml.element(name) { xml in
            xml.element(key, entry.name)
            if case .string(let text) = entry.value {
              xml.element("Value", text)
            } else {
              xml.element("Value") { write(entry.value, of: operation, to: &$0) }
            }
          }
        }
      }
    }
  }
}
