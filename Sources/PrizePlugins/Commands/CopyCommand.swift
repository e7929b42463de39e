import ArgumentParser
import Foundation
import WorkerKit

/// `prizes copy`: moves a prize database to another one.
struct CopyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy",
    abstract: "Copy everything to another prize database, from SQLite to PostgreSQL or back.",
    discussion: """
      Copies the catalog, linked accounts, prizes, pending prizes, keys of handled events and the ledger, in one state of \
      the source, and compares counts and sums at the end. Progress is written to standard error. A copy that was ended \
      goes on where it was when the same command runs again; until it has finished, no worker starts on the target. A \
      target that has anything else is refused.

      Stop the workers first: what they grant after the copy began is not in it, and the command warns of that. Then \
      start them with PRIZE_DATABASE naming the target. Leave --from or --to out for the database that \
      plugins.prizes.database names in routes.yaml. Give passwords in PGPASSWORD, a password file or PRIZE_DATABASE: \
      `ps` shows a command's arguments.

      EXAMPLE:
        worker prizes copy --from sqlite:prizes.db --to postgres://worker@db.internal/prizes
        copied 1 communities, 2 item_types, 40 linked_accounts, 3 characters, 812 items, 9041 handled_events, 9100 ledger
        from sqlite:prizes.db to postgres://db.internal/prizes; counts and sums agree
      """)

  @Option(help: ArgumentHelp("The database that is read.", valueName: "database"))
  var from: String?

  @Option(help: ArgumentHelp("The database that is made.", valueName: "database"))
  var to: String?

  @OptionGroup
  var options: DatabaseOptions

  func validate() throws {
    guard from != nil || to != nil else { throw ValidationError("give --from or --to, or both") }
    // A parser's own error would quote the value, which may hold a password.
    for (option, text) in [("--from", from), ("--to", to)] {
      guard let text, PrizeDatabase(configurationText: text) == nil else { continue }
      throw ValidationError("\(option) must be \(PrizeDatabase.configurationDescription)")
    }
  }

  func run() async throws {
    let source = try database(from)
    let target = try database(to)
    guard source != target else { throw ValidationError("--from and --to name the same database") }
    for (option, text) in [("--from", from), ("--to", to)] {
      guard let text, PostgresAddress(uri: text)?.hasPassword == true else { continue }
      Self.report(
        "\(option) has a password, which other users of this machine can see; give it in PGPASSWORD or a password file")
    }
    let (counts, sourceHasChanged) = try await source.copy(to: target, report: Self.report)
    print(
      "copied \(counts.map { "\($0.rows) \($0.table)" }.joined(separator: ", ")) from \(source) to \(target); "
        + "counts and sums agree")
    guard sourceHasChanged else { return }
    Self.report(
      "WARNING: \(source) was written to while it was copied, and what came after the copy began is not in \(target); stop the "
        + "workers, empty the target, and copy again")
  }

  private func database(_ text: String?) throws -> PrizeDatabase {
    guard let text else { return try options.database() }
    guard let database = PrizeDatabase(configurationText: text) else {
      throw ValidationError("not a database: must be \(PrizeDatabase.configurationDescription)")
    }
    return database
  }

  @Sendable private static func report(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("\(TerminalText.line(line))\n".utf8))
  }
}
