import ArgumentParser
import Foundation
import WorkerKit

struct ListDeadLetters<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "list",
      abstract: "List dead letters.",
      discussion: """
        Shows each dead letter's ID, the ID of its event's first message if that \
        differs, and its age, event type, error kind and reason. It changes nothing, \
        but each message that it reads counts as received once more.
        """)
  }

  @OptionGroup var queueOptions: DeadLetterQueueOptions

  @OptionGroup var filterOptions: DeadLetterFilterOptions

  @Option(
    help: ArgumentHelp(
      "The most dead letters to show. SQS has neither order nor pages, so raise this to see more.",
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
      let filter = try await session.resolved(filter)
      var listing = try Listing(json: json, of: session)
      var found: Set<String> = []
      let visit = await session.read(filter, limit: limit) { deadLetters in
        for deadLetter in deadLetters { found.formUnion(filter.ids(of: deadLetter)) }
        try listing.add(deadLetters)
        return []
      }
      try listing.finish(visit, session, isFiltered: !filter.isEmpty)
      if visit.received > 0 { printStatus("This counted as a receive of \(counted(visit.received, "dead letter")).") }
      try session.conclude(visit)
      try session.requireKnown(filter, visit)
      try session.requireAll(filter.ids, found: found, visit)
    }
  }
}

extension DeadLetterSession {
  fileprivate func summary(_ count: Int, _ visit: DeadLetterReader.Visit, isFiltered: Bool) -> String {
    let received = isFiltered ? " of \(visit.received) received" : ""
    var text = "\(counted(count, "dead letter"))\(received) in \(deadLetters.name)"
    if case .found = visit.end, attributes.visibleMessages > visit.received {
      text += ", which holds about \(attributes.visibleMessages); --limit shows more"
    }
    if attributes.messagesInFlight > 0 {
      text += "; \(attributes.messagesInFlight) more are in flight and cannot be read now"
    }
    return "\(text)."
  }
}

/// Prints dead letters: as a stream of JSON, or as a table at the end. It keeps no bodies.
private struct Listing {
  struct Head: Encodable {
    var queue: String
    var deadLetterQueue: String
    /// The counts before reading. Both are as approximate as SQS's.
    var approximatelyVisible: Int
    var approximatelyInFlight: Int
  }

  struct Tail: Encodable {
    var received: Int
    /// Whether every dead letter that could be received was read.
    var isComplete: Bool
  }

  private let now = Date()
  private var printer: JSONListPrinter?
  private var rows: [DeadLetterText.Row] = []

  init(json: Bool, of session: DeadLetterSession) throws {
    let head = Head(
      queue: session.queue.name, deadLetterQueue: session.deadLetters.name,
      approximatelyVisible: session.attributes.visibleMessages,
      approximatelyInFlight: session.attributes.messagesInFlight)
    printer = json ? try JSONListPrinter(head: head, list: "deadLetters") : nil
  }

  mutating func add(_ deadLetters: [DeadLetter]) throws {
    if printer == nil { rows += deadLetters.map { DeadLetterText.Row($0, now: now) } }
    try printer?.add(deadLetters.map { DeadLetterRecord($0, isWhole: false) })
  }

  func finish(_ visit: DeadLetterReader.Visit, _ session: DeadLetterSession, isFiltered: Bool) throws {
    if let printer {
      return try printer.end(tail: Tail(received: visit.received, isComplete: session.isComplete(visit)))
    }
    if !rows.isEmpty { try show("\(DeadLetterText.table(rows))\n") }
    try show(session.summary(rows.count, visit, isFiltered: isFiltered))
  }
}
