import ArgumentParser
import Foundation
import WorkerKit

struct RedriveDeadLetters<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "redrive",
      abstract: "Send dead letters back to their queue.",
      discussion: """
        Each is sent with its body, its attributes and the identity of its event, so \
        that nothing is granted twice, however often it is redriven. A dead letter is \
        deleted only after its message has been sent. A dead letter that cannot be \
        sent, or that has no room for its identity, stays, and the command prints the \
        reason.

        Fix the cause first; an event that fails again is dead-lettered again. If \
        routes.yaml and the handler's event type show that an event will fail, the \
        command warns before it sends it, and --dry-run lists it. Dead letters that \
        arrive after the command's start are not changed.
        """)
  }

  @OptionGroup var queueOptions: DeadLetterQueueOptions

  @OptionGroup var consent: DeadLetterConsentOptions

  @Flag(help: "Print each outcome as JSON.")
  var json = false

  func run() async throws {
    let session = try await DeadLetterSession(queueOptions, for: Application.self)
    try await session.change(.redrive(to: session.queue), consent, json: json) { count, isPlan in
      isPlan
        ? "\(counted(count, "dead letter")) would go to \(session.queue.name). Nothing was changed; --yes does it."
        : "Redrove \(counted(count, "dead letter")) to \(session.queue.name)."
    }
  }
}

struct DiscardDeadLetters<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "discard",
      abstract: "Delete dead letters.",
      discussion: """
        This cannot be undone. To keep a copy, export them first; --exported then \
        deletes the dead letters in that file and no others:

          worker dead-letters export --kind conflict --output old.jsonl
          worker dead-letters discard --exported old.jsonl --yes
        """)
  }

  @OptionGroup var queueOptions: DeadLetterQueueOptions

  @OptionGroup var consent: DeadLetterConsentOptions

  @Flag(help: "Print each outcome as JSON.")
  var json = false

  func run() async throws {
    let session = try await DeadLetterSession(queueOptions, for: Application.self)
    try await session.change(.discard, consent, json: json) { count, isPlan in
      isPlan
        ? """
        \(counted(count, "dead letter")) would be deleted from \(session.deadLetters.name). Nothing was changed; --yes does it. \
        `dead-letters export` keeps a copy.
        """
        : "Deleted \(counted(count, "dead letter")) from \(session.deadLetters.name)."
    }
  }
}

extension DeadLetterSession {
  /// Redrives or discards dead letters.
  ///
  /// - Parameter summary: Returns the summary for the number of changed dead letters and for a dry run.
  fileprivate func change(
    _ purpose: DeadLetterAction.Purpose, _ consent: DeadLetterConsentOptions, json: Bool,
    _ summary: @escaping @Sendable (Int, Bool) -> String
  ) async throws {
    let filter = try consent.filterOptions.filter()
    try await telemetry.whileRunning { try await change(purpose, filter, consent, json: json, summary) }
  }

  private func change(
    _ purpose: DeadLetterAction.Purpose, _ filter: DeadLetterFilter, _ consent: DeadLetterConsentOptions, json: Bool,
    _ summary: @escaping @Sendable (Int, Bool) -> String
  ) async throws {
    try await endingOnSignal { [limit = consent.limit, isDryRun = consent.dryRun] in
      var action = DeadLetterAction(purpose, from: deadLetters, isDryRun: isDryRun, prospect: prospect)
      let filter = try await resolved(filter)
      var report = try ChangeReport(json: json, of: self, isDryRun: isDryRun)
      var found: Set<String> = []
      var warned: Set<String> = []
      let visit = await read(filter, limit: limit, onLater: { action.recordLater($0) }) { batch in
        for deadLetter in batch { found.formUnion(filter.ids(of: deadLetter)) }
        if case .redrive = purpose, !isDryRun { warn(of: batch, unless: &warned) }
        do {
          let gone = try await action(batch)
          try report.add(action.takeOutcomes())
          return gone
        } catch {
          try report.add(action.takeOutcomes())
          throw error
        }
      }
      try report.finish(
        ChangeRecord.Tail(received: visit.received, isComplete: isComplete(visit)),
        summary: summary(report.changed, isDryRun)
          + remark(report.failing, "of these will fail again") + remark(report.cameBack, "came back")
          + remark(report.stayed, "stayed"))
      try conclude(visit)
      try requireKnown(filter, visit)
      try requireAll(filter.ids, found: found, visit)
      if report.stayed + report.cameBack > 0 { throw ExitCode.failure }
    }
  }

  private func remark(_ count: Int, _ what: String) -> String {
    count == 0 ? "" : " \(counted(count, "dead letter")) \(what): see the reasons above."
  }

  /// Warns once for each reason, before the redrive, that events will fail again.
  private func warn(of deadLetters: [DeadLetter], unless warned: inout Set<String>) {
    for deadLetter in deadLetters where warned.count < 10 {
      guard let prospect = prospect(of: deadLetter), warned.insert(prospect).inserted else { continue }
      printStatus(
        "Warning: dead letter \(deadLetter.id) will fail again, as will others like it: \(TerminalText.line(prospect))")
    }
  }
}
