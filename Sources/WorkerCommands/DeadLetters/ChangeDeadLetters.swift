import ArgumentParser
import Foundation
import WorkerKit

struct RedriveDeadLetters<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "redrive",
      abstract: "Send dead letters back to their queue, to be handled again.",
      discussion: """
        Each goes back with its body, its attributes and the identity of its event, so \
        that nothing is granted twice, however often it is redriven. A letter is \
        deleted only when its message is in the queue. One that cannot be sent, or \
        that has no room for its identity, stays, and the reason is said.

        Set right first what made them fail: what fails again comes back.
        """)
  }

  @OptionGroup var queueOptions: DeadLetterQueueOptions

  @OptionGroup var consent: DeadLetterConsentOptions

  @Flag(help: "Print what became of each as JSON.")
  var json = false

  func run() async throws {
    let session = try await DeadLetterSession(queueOptions, for: Application.self)
    try await session.change(.redrive(to: session.queue), consent, json: json) { count, isPlan in
      isPlan
        ? "\(counted(count, "letter")) would go to \(session.queue.name). Nothing was changed; --yes does it."
        : "Redrove \(counted(count, "letter")) to \(session.queue.name)."
    }
  }
}

struct DiscardDeadLetters<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "discard",
      abstract: "Delete dead letters for good.",
      discussion: """
        There is no way back. To keep a copy, export them first; --exported then \
        deletes what is in that file, and nothing that came since:

          worker dead-letters export --kind conflict --output old.jsonl
          worker dead-letters discard --exported old.jsonl --yes
        """)
  }

  @OptionGroup var queueOptions: DeadLetterQueueOptions

  @OptionGroup var consent: DeadLetterConsentOptions

  @Flag(help: "Print what became of each as JSON.")
  var json = false

  func run() async throws {
    let session = try await DeadLetterSession(queueOptions, for: Application.self)
    try await session.change(.discard, consent, json: json) { count, isPlan in
      isPlan
        ? """
        \(counted(count, "letter")) would be deleted from \(session.letters.name). Nothing was changed; --yes does it. \
        `dead-letters export` keeps a copy.
        """
        : "Deleted \(counted(count, "letter")) from \(session.letters.name)."
    }
  }
}

extension DeadLetterSession {
  /// - Parameter summary: Of how many letters were changed, or would be.
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
      var action = DeadLetterAction(purpose, from: letters, isDryRun: isDryRun)
      let visit = await read(filter, limit: limit) { try await action($0) }
      let outcomes = action.outcomes
      let left = outcomes.count { !$0.isGone && !$0.isPlanned }
      if json {
        try printJSON(ChangeRecord(outcomes, visit, self, isDryRun: isDryRun))
      } else {
        if !outcomes.isEmpty { print("\(LetterText.table(outcomes))\n") }
        print(
          summary(outcomes.count - left, isDryRun)
            + (left > 0 ? " \(counted(left, "letter")) stayed: see the reasons above." : ""))
      }
      try conclude(visit)
      try requireAll(filter.ids, found: Set(outcomes.flatMap { [$0.id, $0.originalMessageID] }), visit)
      if left > 0 { throw ExitCode.failure }
    }
  }
}
