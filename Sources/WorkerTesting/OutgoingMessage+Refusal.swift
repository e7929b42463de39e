import WorkerKit

extension OutgoingMessage {
  /// The error with which SQS would reject the message; nil if it would accept it.
  var refusal: QueueError? {
    func error(_ code: String, _ problem: String) -> QueueError {
      QueueError(code: .init(rawValue: code), kind: .badRequest, message: problem)
    }
    if body.isEmpty { return error("MissingParameter", "a message must have a body") }
    if size > Self.sizeLimit {
      return error("InvalidParameterValue", "a message must be at most \(Self.sizeLimit) bytes")
    }
    if attributes.count > Self.attributeLimit {
      return error(
        "InvalidParameterValue", "a message must have at most \(Self.attributeLimit) attributes")
    }
    let isText = body.unicodeScalars.allSatisfy { scalar in
      [0x9, 0xA, 0xD].contains(scalar.value) || scalar.value >= 0x20 && ![0xFFFE, 0xFFFF].contains(scalar.value)
    }
    return isText ? nil : error("InvalidMessageContents", "a body must hold no control characters")
  }
}
