package import Foundation

/// A message of a dead-letter queue, and what is known of why it is there.
///
/// | who put it there | ``failure`` | its id |
/// |---|---|---|
/// | the worker | says why | a new one; ``originalMessageID`` is the event's |
/// | the queue's redrive policy | nil: the reason is in the worker's log | the event's own |
/// | the redrive policy, after a redrive | nil; ``earlierFailure`` says why it was dead-lettered before | a new one |
package struct DeadLetter: Sendable {
  package let message: ReceivedMessage
  package let failure: WorkerFailure?
  package let earlierFailure: WorkerFailure?
  /// As the body says; nil where it cannot be read.
  package let eventType: String?
  /// The id of the event's first message.
  package let originalMessageID: String
  /// See ``HandlerContext/idempotencyKey``.
  package let idempotencyKey: String

  package init(_ message: ReceivedMessage) {
    self.message = message
    let carried = MessageIdentity.carried(message)
    failure = carried?.redriven == nil ? carried : nil
    earlierFailure = carried?.redriven == nil ? nil : carried
    eventType = try? Envelope(body: EventBody(message.body)).eventType
    let identity = MessageIdentity(message)
    originalMessageID = identity.originalMessageID
    idempotencyKey = identity.idempotencyKey
  }

  package var id: String { message.id }

  /// The route that took the event, else the type that its body names.
  package var route: String? { failure?.route ?? eventType }

  /// The kind of error; nil where the redrive policy moved it.
  package var kind: String? { failure?.kind }

  /// The body as text; nil where it is no UTF-8.
  package var text: String? { String(validating: message.body, as: UTF8.self) }

  /// Since SQS's own timestamp: the time of dead-lettering for what the worker wrote, the time of sending for what a
  /// standard queue's redrive policy moved.
  package func age(at now: Date) -> TimeInterval? {
    message.sentAt.map { now.timeIntervalSince($0) }
  }
}

/// Which letters are meant; an empty filter means all.
package struct DeadLetterFilter: Sendable {
  /// What stands for a letter without a kind, or without a route.
  package static let none = "-"

  /// Of the letters themselves, or of their events' first messages.
  package var ids: Set<String> = []
  /// Of the letters themselves; nil where any will do.
  package var letterIDs: Set<String>?
  package var routes: Set<String> = []
  package var kinds: Set<String> = []
  package var olderThan: Duration?
  package var newerThan: Duration?

  package init() {}

  package var isEmpty: Bool {
    ids.isEmpty && letterIDs == nil && routes.isEmpty && kinds.isEmpty && olderThan == nil && newerThan == nil
  }

  package func matches(_ letter: DeadLetter, at now: Date) -> Bool {
    guard ids.isEmpty || ids.contains(letter.id) || ids.contains(letter.originalMessageID) else { return false }
    guard letterIDs?.contains(letter.id) ?? true else { return false }
    guard routes.isEmpty || routes.contains(letter.route ?? Self.none) else { return false }
    guard kinds.isEmpty || kinds.contains(letter.kind ?? Self.none) else { return false }
    guard olderThan != nil || newerThan != nil else { return true }
    guard let age = letter.age(at: now) else { return false }
    return age >= (olderThan?.inSeconds ?? -.infinity) && age < (newerThan?.inSeconds ?? .infinity)
  }
}
