/// What a body looks like that is no event of the worker's, for the producer to recognise it by.
enum ForeignBody {
  /// - Returns: what it looks like, and what to change; nil where it looks like nothing known. Holds no part of the body.
  static func hint(for body: JSONDocument) -> String? {
    let root = JSONDocument.root
    func text(_ index: Int?) -> String? { index.flatMap { body.string(body.nodes[$0]) } }
    func has(_ names: String...) -> Bool { names.allSatisfy { body.member($0, of: root) != nil } }

    if text(body.element(0, of: root))?.contains("PayloadS3Pointer") == true {
      return "it looks like what the SQS Extended Client sends for a body that it put into S3; send the event itself"
    }
    if let inner = text(root).flatMap({ try? JSONDocument(Array($0.utf8)) }), inner.nodes[root].kind == .object {
      return "it looks like an event that was made JSON twice, a string that holds the object; send the object"
    }
    guard body.nodes[root].kind == .object, !has("eventType") else { return nil }
    if has("TopicArn", "Type") {
      return text(body.member("Type", of: root)) == "Notification"
        ? "it looks like an SNS notification, with the event in Message; turn on raw message delivery for the subscription"
        : "it looks like SNS's own message about a subscription; confirm the subscription, and discard this"
    }
    if has("detail-type", "detail") {
      return
        "it looks like an EventBridge event, with the event in detail; give the rule's target the input path $.detail"
    }
    if has("specversion", "type") {
      return "it looks like a CloudEvent, with the event in data; send what is in data"
    }
    let record = body.member("Records", of: root).flatMap { body.element(0, of: $0) }
    if text(record.flatMap { body.member("eventSource", of: $0) }) == "aws:s3"
      || text(body.member("Event", of: root)) == "s3:TestEvent"
    {
      return "it looks like a notification of S3, which is no event of the worker's; send those to another queue"
    }
    if body.members(of: root).contains(where: { $0.name.lowercased().filter(\.isLetter) == "eventtype" }) {
      return "it has the name in another spelling; write eventType"
    }
    return nil
  }
}
