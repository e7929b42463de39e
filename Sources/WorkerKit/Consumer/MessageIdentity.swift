import Foundation

/// Which event a message carries, however often and in however many messages it comes.
struct MessageIdentity {
  /// The attribute by which a producer names an event.
  static let attributeName = "IdempotencyKey"

  /// In bytes; longer keys are known by their hashes.
  private static let keyLimit = 256

  /// The id of the event's first message: a dead letter carries it along, for a redrive gives it a new one.
  let originalMessageID: String
  /// See ``HandlerContext/idempotencyKey``.
  let idempotencyKey: String

  init(_ message: ReceivedMessage) {
    let carried = Self.carried(message)
    originalMessageID = carried?.messageId ?? message.id
    if let key = message.attributes[Self.attributeName]?.stringValue, !key.isEmpty {
      // A key is kept for good, and an attribute can be a megabyte.
      idempotencyKey =
        key.utf8.count <= Self.keyLimit ? "producer:\(key)" : "producer-sha256:\(Crypto.sha256(key.utf8).hexadecimal)"
    } else if let key = carried?.idempotencyKey, !key.isEmpty {
      idempotencyKey = key
    } else if let id = message.deduplicationID, id != Crypto.sha256(message.body).hexadecimal {
      // A content-based id is the body's hash. It tells two copies of a message apart from nothing: the same prize
      // given again next week has the same hash, and must be granted again.
      idempotencyKey = "fifo:\(id)"
    } else {
      idempotencyKey = "message:\(originalMessageID)"
    }
  }

  /// What a dead letter said of itself, and a redrive brought back.
  static func carried(_ message: ReceivedMessage) -> WorkerFailure? {
    guard let json = message.attributes[WorkerFailure.attributeName]?.stringValue else { return nil }
    // Written by someone else, it carries nothing, and the message's own id stands. So it does where what is carried is
    // longer than anything that this worker writes.
    guard let failure = try? JSONDecoder().decode(WorkerFailure.self, from: Data(json.utf8)),
      failure.messageId.utf8.count <= 2 * keyLimit, (failure.idempotencyKey ?? "").utf8.count <= 2 * keyLimit
    else { return nil }
    return failure
  }
}
