import ArgumentParser
import WorkerKit

/// `prizes holdings`: what someone owns, and what waits for them.
struct HoldingsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "holdings",
    abstract: "Show what a user owns, and what is pending until the account is linked.",
    discussion: """
      An id that is both a linked user's and a Discord account's is taken as the user's. Someone of whom nothing is \
      known holds nothing, which is no error.

      With --json, one object with every key always there, and lists sorted by id:

        characters      { owned, pending }: lists of { characterId, name }
        discordUserIds  the Discord accounts
        history         with --history alone: what was granted, pending and claimed, the latest first, 100 at most
        id              the id that was asked for
        items           { owned, pending }: lists of { itemTypeId, name, quantity }
        userId          the user, or null where no account is linked

      EXAMPLE:
        worker prizes holdings --user 987654321098765432
        Discord 987654321098765432, not linked to a user, owns nothing.
        Waits until the account is linked:
          5 × Gold coin  cluid123abc
        Read from sqlite:prizes.db.
      """)

  @Option(
    help: ArgumentHelp("A user of the platform, or the number of a Discord account.", valueName: "id"),
    transform: Self.identifier)
  var user: Identifier

  @Flag(help: "Print JSON, for programs.")
  var json = false

  @Flag(help: "Show as well what was granted, left pending and claimed, when, and by which event.")
  var history = false

  @OptionGroup
  var options: DatabaseOptions

  func run() async throws {
    let database = try options.database()
    let holdings = try await database.holdings(of: user, withHistory: history)
    guard !json else { return print(TerminalText.json(try CanonicalJSON.text(of: holdings))) }
    print(HoldingsReport.text(holdings, in: database))
    if !holdings.isUnknown { print(TerminalText.line("Read from \(database).")) }
  }

  private static func identifier(_ text: String) throws -> Identifier {
    guard let id = Identifier(rawValue: text) else { throw ValidationError(Identifier.expected) }
    return id
  }
}
