import ArgumentParser
import WorkerKit

/// Which dead-letter queue is meant.
struct DeadLetterQueueOptions: ParsableArguments {
  @OptionGroup var routesOptions: RoutesOptions

  @Option(help: "Whose dead letters: a queue of routes.yaml; needed where it names several.")
  var queue: String?

  @Flag(
    help: """
      Look even where the dead-letter queue has a redrive policy of its own, by which looking can move letters on.
      """)
  var despiteRedrivePolicy = false
}

/// Which of its letters.
struct DeadLetterFilterOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Only letters with this id, or whose event's first message had it. Can be repeated, as --route and --kind can.",
      valueName: "id"))
  var id: [String] = []

  @Option(help: ArgumentHelp("Only letters of this eventType; - for those that name none.", valueName: "eventType"))
  var route: [String] = []

  @Option(
    help: ArgumentHelp(
      "Only letters of this kind of error, such as notFound; - for those that the redrive policy moved.",
      valueName: "kind"))
  var kind: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      Only letters at least this old: 90s, 15m, 12h, 7d. It counts from SQS's SentTimestamp: when the worker \
      dead-lettered it, or, for what the redrive policy moved, when the bot sent it.
      """, valueName: "duration"),
    transform: readDuration)
  var olderThan: Duration?

  @Option(help: ArgumentHelp("Only letters younger than this.", valueName: "duration"), transform: readDuration)
  var newerThan: Duration?

  @Option(help: ArgumentHelp("Only letters that are in this file, which export wrote.", valueName: "file"))
  var exported: String?

  /// Whether all letters are meant.
  var isEmpty: Bool {
    id.isEmpty && route.isEmpty && kind.isEmpty && olderThan == nil && newerThan == nil && exported == nil
  }

  /// - Throws: where the file of exported letters cannot be read.
  func filter() throws -> DeadLetterFilter {
    var filter = DeadLetterFilter()
    filter.letterIDs = try exported.map(LetterRecord.ids)
    filter.ids = Set(id)
    filter.routes = Set(route)
    filter.kinds = Set(kind)
    filter.olderThan = olderThan
    filter.newerThan = newerThan
    return filter
  }
}

/// What the commands that change something take.
struct DeadLetterConsentOptions: ParsableArguments {
  @OptionGroup var filterOptions: DeadLetterFilterOptions

  @Flag(help: "Every letter, where no filter is given.")
  var all = false

  @Option(help: ArgumentHelp("Stop after so many letters.", valueName: "number"))
  var limit: Int?

  @Flag(help: "Do it.")
  var yes = false

  @Flag(help: "Show which letters it would be, and change nothing.")
  var dryRun = false

  func validate() throws {
    guard (limit ?? 1) > 0 else { throw ValidationError("--limit must be 1 or more") }
    guard !filterOptions.isEmpty || all else {
      throw ValidationError(
        "which letters? Give a filter (--id, --route, --kind, --older-than, --newer-than, --exported), or --all")
    }
    guard filterOptions.isEmpty || !all else {
      throw ValidationError("--all means every letter, so it does not go with a filter")
    }
    guard yes != dryRun else {
      throw ValidationError(
        yes
          ? "--yes does it and --dry-run does not: give one of them"
          : "nothing was done: add --yes to do it, or --dry-run to see which letters it would be")
    }
  }
}
