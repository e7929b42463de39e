/// What becomes of a message after its turn.
///
/// Indirect: nearly all are ``delete``, and those in flight need no room for a failure.
public indirect enum Settlement: Sendable {
  /// Handled: it is deleted.
  case delete
  /// Not handled, and another try may help: it becomes visible again after a while.
  case retry(after: Duration, Failure)
  /// Not handled, and another try cannot help: it goes to the dead-letter queue with its failure, and is deleted.
  case deadLetter(Failure)
  /// Its turn did not come, or was broken off: it becomes visible again at once.
  case release
  /// It stays invisible until its timeout ends; the queue's redrive policy counts on.
  case leave(Failure)

  /// What a ``Failure`` leads to.
  public enum Plan: Sendable, Hashable {
    case retry(after: Duration)
    case deadLetter
    case leave
  }

  init(_ failure: Failure) {
    switch failure.settlement {
    case .retry(let delay): self = .retry(after: delay, failure)
    case .deadLetter: self = .deadLetter(failure)
    case .leave: self = .leave(failure)
    }
  }

  var isDeadLetter: Bool {
    if case .deadLetter = self { true } else { false }
  }

  /// Why it was not handled.
  var failure: Failure? {
    switch self {
    case .retry(_, let failure), .deadLetter(let failure), .leave(let failure): failure
    case .delete, .release: nil
    }
  }

  /// For metrics and summaries.
  var name: String {
    switch self {
    case .delete: "handled"
    case .retry: "retried"
    case .deadLetter: "dead-lettered"
    case .release: "released"
    case .leave: "left"
    }
  }
}
