import Yams

/// The positions of a route's options in the file, for problems that are found only when the handler is created.
struct OptionPlaces: Sendable {
  private struct Place {
    var line: Int
    var column: Int

    init(_ node: Node) {
      line = node.mark?.line ?? 1
      column = node.mark?.column ?? 1
    }
  }

  private let what: String
  private let file: String
  private let whole: Place
  private let keys: [String: Place]

  /// Stores the positions of a route's options.
  ///
  /// - Parameters:
  ///   - what: The path for people: `routes.WON.with`.
  ///   - parent: The node that problems are reported at if there are no options.
  init(what: String, file: String, node: Node?, parent: Node) {
    self.what = what
    self.file = file
    whole = Place(node ?? parent)
    let entries = node?.mapping.map { Array($0) } ?? []
    keys = Dictionary(
      entries.compactMap { entry in entry.key.scalar.map { ($0.string, Place(entry.value)) } }, uniquingKeysWith: { $1 }
    )
  }

  /// Adds the position to a problem.
  ///
  /// - Parameter problem: A problem whose path starts with the option's name. An empty path stands for all options.
  func problem(_ problem: ConfigurationValueError.Problem) -> ConfigurationProblem {
    let names = problem.path.map { step in
      switch step {
      case .item(let index): "[\(index)]"
      case .value(of: let name), .name(let name): ".\(name)"
      }
    }
    var place = whole
    if case .value(of: let key)? = problem.path.first, let found = keys[key] { place = found }
    let hint = problem.hint.map { "; \($0)" } ?? ""
    return ConfigurationProblem(
      file: file, line: place.line, column: place.column,
      message: TerminalText.line("\(what)\(names.joined()) \(problem.message)\(hint)", limit: 1_000))
  }
}
