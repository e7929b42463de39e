import ArgumentParser
import Foundation
import WorkerKit

struct ShowDeadLetter<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "show",
      abstract: "Show one dead letter: body, attributes and failure.",
      discussion: "SQS cannot find a message by its ID, so this reads dead letters until it finds the one.")
  }

  @Argument(
    help: """
      The ID of the dead letter, as list shows it, or of its event's first message, or a unique prefix of one.
      """)
  var id: String

  @OptionGroup var queueOptions: DeadLetterQueueOptions

  @Flag(help: "Print it as JSON.")
  var json = false

  func run() async throws {
    let session = try await DeadLetterSession(queueOptions, for: Application.self)
    var filter = DeadLetterFilter()
    filter.ids = [id]
    try await endingOnSignal { [filter, json] in
      let filter = try await session.resolved(filter)
      var deadLetters: [DeadLetter] = []
      let visit = await session.read(filter, limit: 1) {
        deadLetters += $0
        return []
      }
      if let deadLetter = deadLetters.first {
        if json {
          try printJSON(DeadLetterRecord(deadLetter, isWhole: true))
        } else {
          try show(DeadLetterText.page(deadLetter, now: Date()))
        }
      }
      try session.conclude(visit)
      try session.requireAll(deadLetters.isEmpty ? filter.ids : [], found: [], visit)
    }
  }
}
