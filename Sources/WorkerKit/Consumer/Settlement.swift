/// What becomes of a message: decided by ``Processor`` and the pipeline, carried out by ``Settler``.
///
/// | outcome | the queue is told to |
/// |---|---|
/// | ``delete`` | delete it |
/// | ``retry(after:_:)``, ``postpone(for:)``, ``release`` | make it visible after a while, or at once |
/// | ``deadLetter(_:)`` | send it to the dead-letter queue, and delete it |
/// | ``leave(_:)`` | nothing |
/// | ``unsettled(_:)``, ``lost`` | nothing any more: its lease has ended |
///
/// Indirect: nearly all are ``delete``, and those in flight need no room for a failure.
package indirect enum Settlement: Sendable {
  /// Handled: it is deleted.
  case delete
  /// Not handled, and another try may help: it becomes visible again after a while.
  case retry(after: Duration, HandlingFailure)
  /// Not handled, and another try cannot help: it goes to the dead-letter queue with its failure, and is deleted.
  case deadLetter(HandlingFailure)
  /// Its handling did not begin, or was cancelled: it becomes visible again at once.
  case release
  /// Its limit lets it start much later, and it takes up the room of others: it becomes visible again after a while.
  case postpone(for: Duration)
  /// It stays invisible until its timeout ends; the queue's redrive policy counts on.
  case leave(HandlingFailure)
  /// The outcome did not reach the queue before the lease ended, so the message is delivered again.
  case unsettled(Settlement)
  /// Its lease was lost before its outcome: another worker may have it.
  case lost

  /// What an error leads to; nothing but a ``HandlingFailure`` counts as one.
  @inline(never)
  init(_ error: any Error) {
    guard let failure = error as? HandlingFailure else {
      self = .release
      return
    }
    switch failure.settlement {
    case .retry(let delay): self = .retry(after: delay, failure)
    case .deadLetter: self = .deadLetter(failure)
    case .leave: self = .leave(failure)
    }
  }

  /// Whether it is in the dead-letter queue, or is to go there.
  var isDeadLetter: Bool {
    switch self {
    case .deadLetter: true
    case .unsettled(let settlement): settlement.isDeadLetter
    default: false
    }
  }

  /// Whether the message is deleted, and in the dead-letter queue where it was to go there.
  var isOffQueue: Bool {
    switch self {
    case .delete, .deadLetter: true
    default: false
    }
  }

  /// A dead letter in place of a retry.
  var asDeadLetter: Settlement {
    failure.map { .deadLetter($0) } ?? self
  }

  /// Whether the queue's redrive policy says what follows.
  var dependsOnRedrivePolicy: Bool {
    switch self {
    case .retry: true
    case .deadLetter(let failure): failure.isExhausted
    case .delete, .release, .postpone, .leave, .unsettled, .lost: false
    }
  }

  /// Why it was not handled.
  var failure: HandlingFailure? {
    switch self {
    case .retry(_, let failure), .deadLetter(let failure), .leave(let failure): failure
    case .unsettled(let settlement): settlement.failure
    case .delete, .release, .postpone, .lost: nil
    }
  }

  // Not inlined: a whole failure would take room where these are asked for, in every message in flight.

  /// The kind of its failure.
  @inline(never)
  var errorKind: ErrorKind? {
    if case .delete = self { nil } else { failure?.kind }
  }

  /// How long its failure asks to wait.
  @inline(never)
  var retryAfter: Duration? { failure?.retryAfter }

  /// For metrics and summaries.
  var name: String {
    switch self {
    case .delete: "handled"
    case .retry: "retried"
    case .deadLetter: "dead-lettered"
    case .release: "released"
    case .postpone: "postponed"
    case .leave: "left"
    case .unsettled: "unsettled"
    case .lost: "lost"
    }
  }
}
