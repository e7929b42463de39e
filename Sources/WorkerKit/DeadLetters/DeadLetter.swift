package import Foundation

/// A message of a dead-letter queue, and the known reason for it.
///
/// | sent or moved by | ``failure`` | message id |
/// |---|---|---|
/// | the worker | the reason | a new id; ``originalMessageID`` is the event's |
/// | the queue's redrive policy | nil; the worker's log has the reason | the event's id |
/// | the redrive policy, after a redrive | nil; ``claimedFailure`` is the earlier reason | a new id |
package struct DeadLetter: Sendable {
  package let message: ReceivedMessage
  /// The failure as the sender recorded it. The sender is the worker, because nobody else needs permission to send to a
  /// dead-letter queue.
  package let failure: WorkerFailure?
  /// The failure record that the message already carried when the redrive policy moved it. Either an earlier redrive or
  /// the producer wrote it; the two cannot be distinguished.
  package let claimedFailure: WorkerFailure?
  /// The name of the queue that the event came from; nil if it is unknown.
  package let queue: String?
  /// The event type in the body; nil if the body cannot be parsed.
  package let eventType: String?
  /// The id of the event's first message.
  package let originalMessageID: String
  /// The event's identity; see ``HandlerContext/idempotencyKey``.
  package let idempotencyKey: String

  package init(_ message: ReceivedMessage) {
    self.message = message
    let carried = MessageIdentity.carried(message)
    let source = message.deadLetterQueueSourceARN
    // Not every server reports the source queue, but a redriven message carries the date of its redrive.
    let isClaim = source != nil || carried?.redriven != nil
    failure = isClaim ? nil : carried
    claimedFailure = isClaim ? carried : nil
    queue = source.flatMap { $0.split(separator: ":").last.map(String.init) } ?? carried?.queue
    eventType = try? Envelope(body: EventBody(message.body)).eventType
    let identity = MessageIdentity(message)
    originalMessageID = identity.originalMessageID
    idempotencyKey = identity.idempotencyKey
  }

  package var id: String { message.id }

  /// Whether ``originalMessageID`` is an unverified claim of a redrive or of the producer. The id is certain if the
  /// message kept its id, or if the worker dead-lettered the event's first message.
  package var isFirstIDClaimed: Bool { originalMessageID != id && failure?.failedMessageId != originalMessageID }

  /// Whether ``queue`` is an unverified claim of the message.
  package var isQueueClaimed: Bool { failure == nil && message.deadLetterQueueSourceARN == nil && queue != nil }

  /// The route that matched the event, or the event type in the body if no route is recorded.
  package var route: String? { failure?.route ?? eventType }

  /// The error kind; nil if the redrive policy moved the message.
  package var kind: String? { failure?.kind }

  /// The body as text; nil if it is not UTF-8.
  package var text: String? { String(validating: message.body, as: UTF8.self) }

  /// The time since SQS's sent timestamp. For a message that the worker sent, that is the time of dead-lettering; for a
  /// message that a standard queue's redrive policy moved, it is the time of the original send.
  package func age(at now: Date) -> TimeInterval? {
    message.sentAt.map { now.timeIntervalSince($0) }
  }
}

/// Selects dead letters. An empty filter selects all.
package struct DeadLetterFilter: Sendable {
  /// The value that selects dead letters without a kind or without a route.
  package static let none = "-"

  /// The name of the source queue. A dead letter with an unknown source matches any queue. The queue limits the other
  /// criteria, and does not count for ``isEmpty``.
  package var queue: String?
  /// The ids of dead letters, or of their events' first messages.
  package var ids: Set<String> = []
  /// The ids of dead letters; nil selects any.
  package var deadLetterIDs: Set<String>?
  package var routes: Set<String> = []
  package var kinds: Set<String> = []
  package var olderThan: Duration?
  package var newerThan: Duration?

  package init() {}

  package var isEmpty: Bool {
    ids.isEmpty && deadLetterIDs == nil && routes.isEmpty && kinds.isEmpty && olderThan == nil && newerThan == nil
  }

  /// Whether the dead letter came from the filter's queue, or from an unknown queue.
  package func isOfQueue(_ deadLetter: DeadLetter) -> Bool {
    queue == nil || deadLetter.queue == nil || deadLetter.queue == queue
  }

  /// The elements of ``ids`` that identify the dead letter.
  package func ids(of deadLetter: DeadLetter) -> Set<String> {
    ids.intersection([deadLetter.id, deadLetter.originalMessageID])
  }

  package func matches(_ deadLetter: DeadLetter, at now: Date) -> Bool {
    guard isOfQueue(deadLetter) else { return false }
    guard ids.isEmpty || ids.contains(deadLetter.id) || ids.contains(deadLetter.originalMessageID) else { return false }
    guard deadLetterIDs?.contains(deadLetter.id) ?? true else { return false }
    guard routes.isEmpty || routes.contains(deadLetter.route ?? Self.none) else { return false }
    guard kinds.isEmpty || kinds.contains(deadLetter.kind ?? Self.none) else { return false }
    guard olderThan != nil || newerThan != nil else { return true }
    guard let age = deadLetter.age(at: now) else { return false }
    return age >= (olderThan?.inSeconds ?? -.infinity) && age < (newerThan?.inSeconds ?? .infinity)
  }
}
