import Foundation

/// Which event a message carries, however often and in however many messages it comes.
///
/// | the message has | ``idempotencyKey`` |
/// |---|---|
/// | an `IdempotencyKey` attribute of type `String` or `Number` | `producer:` and its text |
/// | one of type `Binary` | `producer-binary:` and its bytes in base64 |
/// | one of more than 256 bytes | `producer-sha256:` or `producer-binary-sha256:` and the SHA-256 of its bytes |
/// | none | `message:` and the id of the event's first message |
///
/// A FIFO deduplication id names no event: SQS keeps one for five minutes, and replaces it when it moves the message to a
/// dead-letter queue.
struct MessageIdentity: Sendable {
  /// The attribute by which a producer names an event.
  static let attributeName = "IdempotencyKey"

  /// In bytes; longer keys are known by their hashes.
  private static let keyLimit = 256
  /// In bytes: more than any failure has, and an attribute can be a megabyte.
  private static let carriedLimit = 65_536

  /// The id of the event's first message: a dead letter carries it along, for a redrive gives it a new one.
  let originalMessageID: String
  /// See ``HandlerContext/idempotencyKey``.
  let idempotencyKey: String
  /// Why the producer's key cannot be used, an ``EventError``. Then the event must not be handled: by another key it could be
  /// granted twice. As any error it takes one word; nearly no message has one.
  let problem: (any Error)?

  init(_ message: borrowing ReceivedMessage) {
    originalMessageID = Self.carried(message)?.messageId ?? message.id
    let attribute = message.attributes[Self.attributeName]
    problem = attribute.flatMap { Self.problem($0) }
    guard let attribute, problem == nil else {
      idempotencyKey = "message:\(originalMessageID)"
      return
    }
    idempotencyKey = Self.key(attribute.value)
  }

  /// What a dead letter said of itself, and a redrive brought back. Nothing proves that the worker wrote it: a producer can
  /// name any event by it, as it can by an `IdempotencyKey`.
  static func carried(_ message: borrowing ReceivedMessage) -> WorkerFailure? {
    guard let json = message.attributes[WorkerFailure.attributeName]?.stringValue, json.utf8.count <= carriedLimit
    else { return nil }
    // Written by someone else, it carries nothing, and the message's own id stands. So it does where the id is none that a
    // queue would give, and so do names that no queue has.
    guard var failure = try? JSONDecoder().decode(WorkerFailure.self, from: Data(json.utf8)),
      isName(failure.messageId)
    else { return nil }
    if let queue = failure.queue, !isName(queue) { failure.queue = nil }
    return failure
  }

  /// SQS's ids and names have up to 100 characters, and no spaces.
  private static func isName(_ text: String) -> Bool {
    (1...100).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }

  /// The type is no part of a text, for a number is sent as one; text and bytes are kept apart.
  private static func key(_ value: MessageAttribute.Value) -> String {
    switch value {
    case .string(let text) where text.utf8.count <= keyLimit: "producer:" + text
    case .string(let text): "producer-sha256:\(SHA256.digest(text.utf8).hexadecimal)"
    case .binary(let bytes) where bytes.count <= keyLimit:
      "producer-binary:\(Data(bytes).base64EncodedString())"
    case .binary(let bytes): "producer-binary-sha256:\(SHA256.digest(bytes).hexadecimal)"
    }
  }

  /// SQS itself takes no such attribute; a server that is only like it may.
  private static func problem(_ attribute: MessageAttribute) -> EventError? {
    let type = attribute.dataType.prefix { $0 != "." }
    let received: String
    switch attribute.value {
    case .string(let text) where !text.isEmpty && ["String", "Number"].contains(type): return nil
    case .binary(let bytes) where !bytes.isEmpty && type == "Binary": return nil
    case .string(""), .binary([]): received = "an empty one"
    case .string: received = "text"
    case .binary: received = "bytes"
    }
    return EventError(
      .validation,
      "\(attributeName): expected a message attribute of type String, Number or Binary with a value of that type; "
        + "fix the producer, and send the event again",
      field: attributeName, received: "\(received) of type \(EventDecoder.shortened(attribute.dataType))")
  }
}
