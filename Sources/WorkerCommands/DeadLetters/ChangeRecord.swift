import WorkerKit

/// The JSON output of redrive and discard: a head, a record for each dead letter, and a tail.
enum ChangeRecord {
  struct Head: Encodable {
    var queue: String
    var deadLetterQueue: String
    var isDryRun: Bool
  }

  struct DeadLetter: Encodable {
    var id: String
    var originalId: String
    var route: String?
    var kind: String?
    var outcome: String
    /// The id of the new message.
    var newId: String?
    var reason: String?
    /// Why the event will fail again; nil if unknown.
    var prospect: String?

    init(_ outcome: DeadLetterOutcome) {
      let result = ResultRecord(outcome.result)
      id = outcome.id
      originalId = outcome.originalMessageID
      route = outcome.route
      kind = outcome.kind
      self.outcome = result.outcome
      newId = result.newId
      reason = result.reason
      prospect = outcome.prospect
    }
  }

  struct Tail: Encodable {
    var received: Int
    /// Whether every dead letter that could be received was read.
    var isComplete: Bool
  }
}

/// A result as text.
struct ResultRecord {
  var outcome: String
  var newId: String?
  var reason: String?

  init(_ result: DeadLetterOutcome.Result) {
    switch result {
    case .planned: outcome = "planned"
    case .discarded: outcome = "discarded"
    case .redriven(let id):
      outcome = "redriven"
      newId = id
    case .notDeleted(let id, let error):
      outcome = "notDeleted"
      newId = id
      reason = """
        it was sent, and could not be deleted here: \(error); redrive or discard it again, which grants nothing twice
        """
    case .cameBack:
      outcome = "cameBack"
      reason =
        "it was redriven a moment ago, and its event is here again: it failed once more, or this is a copy; fix what it fails with, as `show` says"
    case .left(let why):
      outcome = "left"
      reason = why
    }
  }
}
