import ArgumentParser
import Foundation
import WorkerKit

struct ListDeadLetters<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "list",
      abstract: "List dead letters, and give them back.",
      discussion: """
        Shows each letter's id, age, event type, kind of error and reason. Nothing \
        is changed, but that each look counts as a receive.
        """)
  }

  @OptionGroup var queueOptions: DeadLetterQueueOptions

  @OptionGroup var filterOptions: DeadLetterFilterOptions

  @Option(
    help: ArgumentHelp(
      "How many letters to show. SQS gives them in no order, and has no pages: for more, ask for more.",
      valueName: "number"))
  var limit = 50

  @Flag(help: "Print them as one JSON object.")
  var json = false

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be 1 or more") }
  }

  func run() async throws {
    let filter = try filterOptions.filter()
    let session = try await DeadLetterSession(queueOptions, for: Application.self)
    try await endingOnSignal { [limit, json] in
      let now = Date()
      var letters: [DeadLetter] = []
      let visit = await session.read(filter, limit: limit) {
        letters += $0
        return []
      }
      if json {
        try printJSON(Listing(letters, visit, session))
      } else {
        if !letters.isEmpty { print("\(LetterText.table(letters, now: now))\n") }
        print(session.summary(letters.count, visit, isFiltered: !filter.isEmpty))
      }
      if visit.lookedAt > 0 { note("Looking counted as a receive of \(counted(visit.lookedAt, "letter")).") }
      try session.conclude(visit)
      try session.requireAll(filter.ids, found: Set(letters.flatMap { [$0.id, $0.originalMessageID] }), visit)
    }
  }
}

extension DeadLetterSession {
  fileprivate func summary(_ count: Int, _ visit: DeadLetterReader.Visit, isFiltered: Bool) -> String {
    let lookedAt = isFiltered ? " of \(visit.lookedAt) looked at" : ""
    var text = "\(counted(count, "letter"))\(lookedAt) in \(letters.name)"
    if case .found = visit.end, attributes.visibleMessages > visit.lookedAt {
      text += ", which holds about \(attributes.visibleMessages); --limit shows more"
    }
    if attributes.messagesInFlight > 0 {
      text += "; \(attributes.messagesInFlight) more are in someone's hands and cannot be seen now"
    }
    return "\(text)."
  }
}

private struct Listing: Encodable {
  var queue: String
  var deadLetterQueue: String
  var letters: [LetterRecord]
  var lookedAt: Int
  /// Whether every letter that could be received was looked at.
  var isComplete: Bool
  /// Before the look; both as approximate as SQS's counts.
  var approximatelyVisible: Int
  var approximatelyInFlight: Int

  init(_ letters: [DeadLetter], _ visit: DeadLetterReader.Visit, _ session: DeadLetterSession) {
    queue = session.queue.name
    deadLetterQueue = session.letters.name
    self.letters = letters.map { LetterRecord($0, isWhole: false) }
    lookedAt = visit.lookedAt
    isComplete = session.isComplete(visit)
    approximatelyVisible = session.attributes.visibleMessages
    approximatelyInFlight = session.attributes.messagesInFlight
  }
}
