import ArgumentParser
import Foundation
import WorkerKit

/// Checks the names of commands and options in the arguments of a process.
enum CommandName {
  /// Checks the arguments.
  ///
  /// - Throws: A `ValidationError` for an unknown command or an unknown option of a command.
  static func check(_ arguments: [String], of root: any ParsableCommand.Type) throws {
    var command = root
    var path = [binaryName]
    var rest = arguments.drop { $0 == "help" }
    while let argument = rest.first {
      let subcommands = command.configuration.subcommands
      guard !subcommands.isEmpty, !argument.hasPrefix("-"), argument != "help" else { break }
      guard let next = subcommands.first(where: { ([$0._commandName] + $0.configuration.aliases).contains(argument) })
      else {
        let hint = hint(for: argument, among: subcommands.map { $0._commandName }, of: root)
        throw ValidationError("`\(path.joined(separator: " "))` has no command `\(argument)`; \(hint)")
      }
      command = next
      path.append(argument)
      rest = rest.dropFirst()
    }
    try checkOptions(Array(rest), of: command, path)
  }

  /// A hint for a misspelled command. An exact name of a nested command takes precedence.
  private static func hint(for name: String, among names: [String], of root: any ParsableCommand.Type) -> String {
    let below = paths(below: root, [binaryName])
    let near = nearestName(to: name, among: names + ["help"])
    let same = below.filter { $0.last == name }
    let others =
      same.isEmpty && near == nil
      ? nearestName(to: name, among: below.compactMap(\.last)).map { last in below.filter { $0.last == last } } ?? []
      : same
    if !others.isEmpty {
      return "did you mean \(others.map { "`\($0.joined(separator: " "))`" }.joined(separator: " or "))?"
    }
    return near.map { "did you mean `\($0)`?" } ?? "there are: \(names.joined(separator: ", "))"
  }

  private static func paths(below command: any ParsableCommand.Type, _ path: [String]) -> [[String]] {
    command.configuration.subcommands.flatMap {
      [path + [$0._commandName]] + paths(below: $0, path + [$0._commandName])
    }
  }

  /// Checks the options. The argument parser suggests the nearest option only if there is no other error, but a
  /// misspelled option is usually a missing one as well.
  private static func checkOptions(_ arguments: [String], of command: any ParsableCommand.Type, _ path: [String]) throws
  {
    let known = optionNames(of: command)
    for argument in arguments.prefix(while: { $0 != "--" }) where argument.hasPrefix("--") {
      // Completion scripts use `---completion`.
      guard !argument.hasPrefix("---") else { return }
      let name = String(argument.dropFirst(2).prefix { $0 != "=" })
      guard !known.contains(name), !["help", "help-hidden", "version"].contains(name) else { continue }
      let hint =
        nearestName(to: name, among: known).map { "did you mean `--\($0)`?" }
        ?? (known.isEmpty ? "it has none" : "there are: \(known.sorted().map { "--\($0)" }.joined(separator: ", "))")
      throw ValidationError("`\(path.joined(separator: " "))` has no option `--\(name)`; \(hint)")
    }
  }

  private static func optionNames(of command: any ParsableCommand.Type) -> Set<String> {
    /// The required part of the parser's description of a command.
    struct Description: Decodable {
      struct Command: Decodable { var arguments: [Argument]? }
      struct Argument: Decodable { var names: [Name]? }
      struct Name: Decodable {
        var kind: String
        var name: String
      }

      var command: Command
    }
    let description = try? JSONDecoder().decode(Description.self, from: Data(command._dumpHelp().utf8))
    let names = description?.command.arguments?.flatMap { $0.names ?? [] } ?? []
    return Set(names.filter { $0.kind == "long" }.map(\.name))
      // The commands that the parser adds.
      .union(command.configuration.subcommands.isEmpty ? [] : ["generate-completion-script", "experimental-dump-help"])
  }
}
