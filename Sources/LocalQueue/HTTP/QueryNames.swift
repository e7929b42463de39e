/// Maps names between the Query protocol and the JSON protocol. The Query protocol flattens lists and maps, and each
/// element has the name of the list.
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

  // MARK: - Responses

  private static let elements = [
    "QueueUrls": "QueueUrl", "queueUrls": "QueueUrl", "Messages": "Message", "Failed": "BatchResultErrorEntry",
    "Results": "ListMessageMoveTasksResultEntry",
  ]
  private static let answeredMaps = [
    "Attributes": ("Attribute", "Name"), "MessageAttributes": ("MessageAttribute", "Name"), "Tags": ("Tag", "Key"),
  ]

  /// Converts a response, or a part of it, to elements with the names of the Query protocol.
  static func elements(of value: JSONValue, in operation: String) -> [QueryElement] {
    guard case .object(let members) = value else { return [] }
    return members.flatMap { member -> [QueryElement] in
      switch member.value {
      case .string, .number, .bool:
        return [element(member.name, member.value, in: operation)]
      case .array(let list):
        let name = elements[member.name] ?? "\(operation)ResultEntry"
        return list.map { element(name, $0, in: operation) }
      case .object(let entries):
        guard let (name, key) = answeredMaps[member.name] else { return [] }
        return entries.map { entry in
          QueryElement(name, [QueryElement(key, entry.name), element("Value", entry.value, in: operation)])
        }
      }
    }
  }

  private static func element(_ name: String, _ value: JSONValue, in operation: String) -> QueryElement {
    switch value {
    case .string(let text): QueryElement(name, text)
    case .number(let number): QueryElement(name, String(number))
    case .bool(let flag): QueryElement(name, String(flag))
    case .array, .object: QueryElement(name, elements(of: value, in: operation))
    }
  }
}
