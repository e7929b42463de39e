import ArgumentParser
import Foundation
import WorkerKit

struct ShowDeadLetter<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "show",
      abstract: "Show all of one dead letter: its body, its attributes, and why it is one.",
      discussion: "SQS finds no message by its id, so this looks at letters until it has come to the one.")
  }

  @Argument(help: "The letter's id, as list shows it, or the id of its event's first message.")
  var id: String

  @OptionGroup var queueOptions: DeadLetterQueueOptions

  @Flag(help: "Print it as JSON.")
  var json = false

  func run() async throws {
    let session = try await DeadLetterSession(queueOptions, for: Application.self)
    var filter = DeadLetterFilter()
    filter.ids = [id]
    try await endingOnSignal { [filter, json] in
      var letters: [DeadLetter] = []
      let visit = await session.read(filter, limit: 1) {
        letters += $0
        return []
      }
      if let letter = letters.first {
        if json {
          try printJSON(LetterRecord(letter, isWhole: true))
        } else {
          print(LetterText.page(letter, now: Date()))
        }
      }
      try session.conclude(visit)
      try session.requireAll(letters.isEmpty ? filter.ids : [], found: [], visit)
    }
  }
}
