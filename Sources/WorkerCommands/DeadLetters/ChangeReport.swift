import WorkerKit

/// Prints the outcomes of dead letters: as a stream of JSON, or as a table at the end. If there are many, the table
/// contains the first changed and the first unchanged ones, and the number of the others.
struct ChangeReport: Sendable {
  /// The maximum number of rows for each group.
  private static let rowLimit = 500

  private var printer: JSONListPrinter?
  private var rows: [DeadLetterOutcome] = []
  private var changedRows = 0
  /// The number of outcomes without a row, by outcome.
  private var others: [String: Int] = [:]
  /// The number of dead letters that were changed, or would be.
  private(set) var changed = 0
  private(set) var stayed = 0
  /// The number of dead letters whose event was already redriven in this run.
  private(set) var cameBack = 0
  /// The number of ``changed`` dead letters whose event will fail again.
  private(set) var failing = 0

  init(json: Bool, of session: DeadLetterSession, isDryRun: Bool) throws {
    let head = ChangeRecord.Head(
      queue: session.queue.name, deadLetterQueue: session.deadLetters.name, isDryRun: isDryRun)
    printer = json ? try JSONListPrinter(head: head, list: "deadLetters") : nil
  }

  mutating func add(_ outcomes: [DeadLetterOutcome]) throws {
    for outcome in outcomes {
      let isChanged = outcome.isGone || outcome.isPlanned
      if isChanged {
        changed += 1
      } else if outcome.hasComeBack {
        cameBack += 1
      } else {
        stayed += 1
      }
      if outcome.isPlanned, outcome.prospect != nil { failing += 1 }
      guard printer == nil else { continue }
      if (isChanged ? changedRows : rows.count - changedRows) < Self.rowLimit {
        rows.append(outcome)
        if isChanged { changedRows += 1 }
      } else {
        others[ResultRecord(outcome.result).outcome, default: 0] += 1
      }
    }
    try printer?.add(outcomes.map(ChangeRecord.DeadLetter.init))
  }

  /// Ends the report.
  ///
  /// - Parameter summary: The summary for people.
  func finish(_ tail: ChangeRecord.Tail, summary: String) throws {
    if let printer { return try printer.end(tail: tail) }
    if !rows.isEmpty { try show(DeadLetterText.table(rows)) }
    if !others.isEmpty {
      let counts = others.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      try show("… and \(others.values.reduce(0, +)) others: \(counts.joined(separator: ", "))")
    }
    try show(rows.isEmpty ? summary : "\n\(summary)")
  }
}
