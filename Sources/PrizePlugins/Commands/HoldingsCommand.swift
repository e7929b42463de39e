import ArgumentParser
import Foundation
import WorkerKit

/// `prizes holdings`: what someone owns, and what waits for them.
struct HoldingsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "holdings",
    abstract: "Show what someone owns, and what waits until their account is linked.",
    discussion: """
      An id that is both a linked user's and a Discord account's is taken as the user's. Someone of whom nothing is \
      known holds nothing, which is no error.

      With --json, one object with every key always there, and lists sorted by id:

        characters      { owned, pending }: lists of { characterId, name }
        discordUserIds  the Discord accounts
        id              the id that was asked for
        items           { owned, pending }: lists of { itemTypeId, name, quantity }
        userId          the user, or null where no account is linked

      EXAMPLE:
        worker prizes holdings --user 987654321098765432
        Discord 987654321098765432, not linked to a user, owns nothing.
        Waits until the account is linked:
          5 × Gold coin  cluid123abc
      """)

  @Option(
    help: ArgumentHelp("A user of the platform, or the number of a Discord account.", valueName: "id"),
    transform: Self.identifier)
  var user: Identifier

  @Flag(help: "Print JSON, for programs.")
  var json = false

  @OptionGroup
  var options: DatabaseOptions

  func run() async throws {
    let path = try options.database().path
    guard FileManager.default.fileExists(atPath: path) else {
      throw PrizeStoreError(
        kind: .notFound,
        message:
          "there is no database \(path); name the one that is meant in PRIZE_DATABASE or plugins.prizes.database (after `worker dev`: `. .worker/env`), or import a catalog first",
        path: path)
    }
    let holdings = try await SQLitePrizeStore(path: path).holdings(of: user)
    print(json ? try CanonicalJSON.text(of: holdings) : HoldingsReport.text(holdings))
  }

  private static func identifier(_ text: String) throws -> Identifier {
    guard let id = Identifier(rawValue: text) else { throw ValidationError(Identifier.expected) }
    return id
  }
}
