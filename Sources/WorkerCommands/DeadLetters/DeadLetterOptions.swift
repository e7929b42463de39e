import ArgumentParser
import WorkerKit

/// The options that select the dead-letter queue.
struct DeadLetterQueueOptions: ParsableArguments {
  @OptionGroup var routesOptions: RoutesOptions

  @Option(
    help: """
      The queue of routes.yaml whose dead letters to read; required if it names several. Dead letters of other queues in \
      the same dead-letter queue are skipped.
      """)
  var queue: String?

  @Flag(
    help: """
      Read even if the dead-letter queue has a redrive policy of its own, so that reading can move dead letters on.
      """)
  var despiteRedrivePolicy = false
}

/// The options that select dead letters.
struct DeadLetterFilterOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      """
      Only the dead letters with these IDs, or whose events' first messages had them. A unique prefix of four characters \
      or more is enough.
      """, valueName: "id"))
  var ids: [String] = []

  @Option(
    help: ArgumentHelp(
      "The same, one at a time. Can be repeated, as --route and --kind can.", valueName: "id"))
  var id: [String] = []

  @Option(help: ArgumentHelp("Only dead letters of this eventType; - for those without one.", valueName: "eventType"))
  var route: [String] = []

  @Option(
    help: ArgumentHelp(
      "Only dead letters of this error kind, such as notFound; - for those that the redrive policy moved.",
      valueName: "kind"))
  var kind: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      Only dead letters at least this old: 90s, 15m, 12h, 7d. The age counts from SentTimestamp: when the \
      worker dead-lettered it or, if the redrive policy moved it, when the bot sent it.
      """, valueName: "duration"),
    transform: readDuration)
  var olderThan: Duration?

  @Option(help: ArgumentHelp("Only dead letters younger than this.", valueName: "duration"), transform: readDuration)
  var newerThan: Duration?

  @Option(help: ArgumentHelp("Only dead letters in this file, which export wrote.", valueName: "file"))
  var exported: String?

  /// Whether all dead letters are selected.
  var isEmpty: Bool {
    ids.isEmpty && id.isEmpty && route.isEmpty && kind.isEmpty && olderThan == nil && newerThan == nil
      && exported == nil
  }

  /// The filter.
  ///
  /// - Throws: If the file with exported dead letters cannot be read.
  func filter() throws -> DeadLetterFilter {
    var filter = DeadLetterFilter()
    filter.deadLetterIDs = try exported.map(DeadLetterRecord.ids)
    filter.ids = Set(ids + id)
    filter.routes = Set(route)
    filter.kinds = Set(kind)
    filter.olderThan = olderThan
    filter.newerThan = newerThan
    return filter
  }
}

/// The options of commands that change dead letters.
struct DeadLetterConsentOptions: ParsableArguments {
  @OptionGroup var filterOptions: DeadLetterFilterOptions

  @Flag(help: "All dead letters, instead of a filter.")
  var all = false

  @Option(help: ArgumentHelp("Stop after this many dead letters.", valueName: "number"))
  var limit: Int?

  @Flag(help: "Do it.")
  var yes = false

  @Flag(help: "List the dead letters that would be changed, and change nothing.")
  var dryRun = false

  func validate() throws {
    guard (limit ?? 1) > 0 else { throw ValidationError("--limit must be 1 or more") }
    guard !filterOptions.isEmpty || all else {
      throw ValidationError(
        "which dead letters? Pass their IDs, a filter (--route, --kind, --older-than, --newer-than, --exported), or --all"
      )
    }
    guard filterOptions.isEmpty || !all else {
      throw ValidationError("--all means all dead letters, so it excludes a filter")
    }
    guard yes != dryRun else {
      throw ValidationError(
        yes
          ? "pass either --yes or --dry-run"
          : "nothing was changed; pass --yes to change them, or --dry-run to list them")
    }
  }
}
