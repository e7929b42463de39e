import WorkerKit

/// What redrive and discard did, in JSON.
struct ChangeRecord: Encodable {
  struct Letter: Encodable {
    var id: String
    var originalId: String
    var route: String?
    var kind: String?
    var outcome: String
    /// Of the message in the queue.
    var newId: String?
    var reason: String?
  }

  var queue: String
  var deadLetterQueue: String
  var isDryRun: Bool
  var letters: [Letter]
  var lookedAt: Int
  /// Whether every letter that could be received was looked at.
  var isComplete: Bool

  init(_ outcomes: [LetterOutcome], _ visit: DeadLetterReader.Visit, _ session: DeadLetterSession, isDryRun: Bool) {
    queue = session.queue.name
    deadLetterQueue = session.letters.name
    self.isDryRun = isDryRun
    letters = outcomes.map { outcome in
      let result = ResultRecord(outcome.result)
      return Letter(
        id: outcome.id, originalId: outcome.originalMessageID, route: outcome.route, kind: outcome.kind,
        outcome: result.outcome, newId: result.newId, reason: result.reason)
    }
    lookedAt = visit.lookedAt
    isComplete = session.isComplete(visit)
  }
}

/// A result in words.
struct ResultRecord {
  var outcome: String
  var newId: String?
  var reason: String?

  init(_ result: LetterOutcome.Result) {
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
        "it was redriven a moment ago, and is here again: it failed once more, or this is a copy of it; set right what it failed with"
    case .left(let why):
      outcome = "left"
      reason = why
    }
  }
}
