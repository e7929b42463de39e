import ArgumentParser
import Foundation
import WorkerKit

/// `prizes import`: brings a catalog into the database.
struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Add and update communities, item types, characters and linked accounts.",
    discussion: """
      A catalog says what can be awarded and to whom:

        communities:
          - id: crew
            discordGuildId: "123456789012345678"
            name: The Crew
            itemTypes:
              - { id: cluid123abc, name: Gold coin, stackable: true }
        characters:
          - { id: cluid456def, name: Mira }
        accounts:
          - { discordUserId: "111222333444555666", userId: alice }

      The whole file is imported, or nothing: every problem is shown with its line and column. What is there already \
      is updated, nothing is removed, and no prize changes hands, except that an account that is linked brings its \
      user what was waiting for it. An item type cannot move to another community, nor an account to another user.

      EXAMPLE:
        worker prizes import catalog.yaml
        imported 1 community, 1 item type, 1 character, 1 linked account into sqlite:prizes.db
      """)

  @Argument(help: ArgumentHelp("The catalog, a YAML file.", valueName: "file"))
  var catalog: String

  @OptionGroup
  var options: DatabaseOptions

  func run() async throws {
    let database = try options.database()
    let catalog = try CatalogReader.read(Self.text(ofFileAt: catalog), file: catalog)
    let counts = try await database.open().importCatalog(catalog)
    print(TerminalText.line("imported \(counts) into \(database)"))
    if counts.leftStacks > 0 {
      print(
        "\(counts.leftStacks) of the accounts' stacks stay pending: their users' would hold more than "
          + "\(PrizeRules.largestStack); look for a producer that awards too much")
    }
  }

  static func text(ofFileAt path: String) throws -> String {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch let error as CocoaError where error.code == .fileReadNoSuchFile {
      throw UnreadableFile(path: path, reason: "there is no such file")
    } catch {
      throw UnreadableFile(path: path, reason: error.localizedDescription)
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw UnreadableFile(path: path, reason: "it is not UTF-8 text")
    }
    return text
  }
}

/// Why a file that a command was given cannot be used.
struct UnreadableFile: Error, CustomStringConvertible {
  var path: String
  var reason: String

  var description: String { "cannot read \(path): \(reason)" }
}
