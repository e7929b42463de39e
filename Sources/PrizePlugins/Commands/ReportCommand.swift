import ArgumentParser
import WorkerKit

/// `prizes report`: what was granted, left pending and claimed.
struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Sum up what was granted, left pending and claimed, by day, community or item type.",
    discussion: """
      The sums are those of the ledger, which keeps every prize. A prize that was pending and then claimed counts in both. \
      The first number of each pair counts awards, the second one items and characters.

      With --format json, one object with every key always there:

        by, from, to    what was asked for
        rows            a list, sorted by id, of { id, name, granted, pending, claimed }; each of the last three is
                        { awards, quantity }; id is null for what has no item type or community

      EXAMPLE:
        worker prizes report --by community --from 2026-11-01
        community  name      granted  quantity  pending  quantity  claimed  quantity
        crew       The Crew        7        30        2         6        1         5
        all                        7        30        2         6        1         5
      """)

  @Option(help: "What a row stands for: day (in UTC), community or item-type.")
  var by = PrizeReport.Grouping.day

  @Option(help: "The first day that counts, such as 2026-11-01, in UTC.", transform: Self.day)
  var from: ReportDay?

  @Option(help: "The last day that counts.", transform: Self.day)
  var to: ReportDay?

  @Option(help: "How to print it: table, csv or json.")
  var format = PrizeReport.Format.table

  @OptionGroup
  var options: DatabaseOptions

  func validate() throws {
    guard let from, let to, to.text < from.text else { return }
    throw ValidationError("--to must not be before --from")
  }

  func run() async throws {
    let database = try options.database()
    let report = try await database.report(PrizeReport.Request(grouping: by, from: from, to: to))
    print(try report.text(as: format))
  }

  private static func day(_ text: String) throws -> ReportDay {
    guard let day = ReportDay(text) else { throw ValidationError(ReportDay.expected) }
    return day
  }
}

extension PrizeReport.Grouping: ExpressibleByArgument {}
extension PrizeReport.Format: ExpressibleByArgument {}
