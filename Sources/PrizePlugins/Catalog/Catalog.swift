import WorkerKit

/// What can be awarded and to whom: the content of a catalog file, checked as far as it can be without the store.
///
///     communities:
///       - id: crew
///         discordGuildId: "123456789012345678"
///         name: The Crew
///         itemTypes:
///           - { id: cluid123abc, name: Gold coin, stackable: true }
///     characters:
///       - { id: cluid456def, name: Mira }
///     accounts:
///       - { discordUserId: "111222333444555666", userId: alice }
struct Catalog: Sendable {
  /// For messages.
  var file: String
  var communities: [Community] = []
  var characters: [Character] = []
  var accounts: [Account] = []

  struct Community: Sendable {
    var id: Identifier
    var discordGuildId: DiscordGuildID
    var name: String
    var itemTypes: [ItemType]
    var position: Position
  }

  struct ItemType: Sendable {
    var id: Identifier
    var name: String
    var stackable: Bool
    var position: Position
  }

  struct Character: Sendable {
    var id: Identifier
    var name: String
    var position: Position
  }

  struct Account: Sendable {
    var discordUserId: DiscordUserID
    var userId: Identifier
    var position: Position
  }

  /// Where an entry stands in the file; lines and columns count from 1.
  struct Position: Hashable, Comparable, Sendable {
    var line: Int
    var column: Int

    static func < (left: Position, right: Position) -> Bool {
      (left.line, left.column) < (right.line, right.column)
    }
  }
}

/// Everything that is wrong with a catalog, at once.
struct CatalogError: Error, CustomStringConvertible {
  struct Problem: Hashable, Sendable {
    var position: Catalog.Position
    var message: String
  }

  private let error: ConfigurationError

  init(_ error: ConfigurationError) {
    self.error = error
  }

  init(file: String, problems: [Problem]) {
    let problems = problems.map {
      ConfigurationProblem(file: file, line: $0.position.line, column: $0.position.column, message: $0.message)
    }
    self.init(ConfigurationError(problems: problems))
  }

  /// A line for each problem, as compilers write it: `catalog.yaml:3:5: …`.
  var description: String { "nothing was imported\n\(error)" }
}

/// How much of each an import named, new or not.
struct ImportCounts: Hashable, Sendable, CustomStringConvertible {
  var communities = 0
  var itemTypes = 0
  var characters = 0
  var accounts = 0
  /// ``Claim/leftStacks`` of all accounts.
  var leftStacks = 0

  /// "1 community, 2 item types, 1 character, 1 linked account".
  var description: String {
    [
      count(communities, "community", "communities"),
      count(itemTypes, "item type", "item types"),
      count(characters, "character", "characters"),
      count(accounts, "linked account", "linked accounts"),
    ].joined(separator: ", ")
  }

  private func count(_ number: Int, _ one: String, _ many: String) -> String {
    "\(number) \(number == 1 ? one : many)"
  }
}
