import Foundation
package import Yams

/// Reads a YAML document and collects its problems, so that all of them are reported at once.
///
/// The document is untrusted: the expansion of its aliases, the length of its values, and the number and the length of
/// its problems are limited.
package struct YAMLReader {
  private static let nameLimit = 256
  private static let valueLimit = 65_536
  private static let messageLimit = 1_000

  let file: String
  let environment: [String: String]
  /// The first hundred problems.
  private(set) var problems: [ConfigurationProblem] = []
  /// The number of reported problems, including omitted and repeated ones.
  private(set) var problemCount = 0
  /// The names of the environment variables that values refer to.
  private(set) var variables: Set<String> = []
  private var omitted = 0

  package init(file: String, environment: [String: String] = [:]) {
    self.file = file
    self.environment = environment
  }

  /// All problems; nil if there are none.
  package var error: ConfigurationError? {
    problems.isEmpty ? nil : ConfigurationError(problems: problems, omitted: omitted)
  }

  package mutating func parse(_ text: String) -> Node? {
    if let problem = YAMLScan.problem(in: text) {
      report(problem.message, line: problem.line, column: problem.column)
      return nil
    }
    do {
      return try Yams.compose(yaml: text)
    } catch let error as YamlError {
      let (line, column, message) = Self.describe(error, in: text)
      report(message, line: line, column: column)
    } catch {
      report("cannot be read as YAML: \(error)", line: 1, column: 1)
    }
    return nil
  }

  package mutating func report(_ message: @autoclosure () -> String, at node: Node?) {
    report(message(), line: node?.mark?.line ?? 1, column: node?.mark?.column ?? 1)
  }

  /// Reports a problem. A problem in an alias has the position of its anchor, so the same problem can occur often.
  private mutating func report(_ message: @autoclosure () -> String, line: Int, column: Int) {
    problemCount += 1
    guard problems.count < ConfigurationError.limit else {
      omitted += 1
      return
    }
    let problem = ConfigurationProblem(
      file: file, line: line, column: column, message: Self.oneLine(message(), to: Self.messageLimit))
    if !problems.contains(problem) { problems.append(problem) }
  }

  /// The entries of a mapping by key. An empty value counts as an empty mapping.
  package mutating func mapping(_ node: Node?, _ what: String) -> [(key: String, keyNode: Node, value: Node)] {
    guard let node, !isNull(node) else { return [] }
    guard let mapping = node.mapping else {
      report("\(what) must be a mapping of keys to values", at: node)
      return []
    }
    return mapping.compactMap { key, value in
      guard let name = key.scalar?.string else {
        report("\(what) must have plain names as keys", at: key)
        return nil
      }
      guard name != "<<" || key.scalar?.style != .plain else {
        report(
          "`<<` does not merge keys here; write them out, or give a whole value an anchor: `retry: &slow { base: 1m }` in one place, `retry: *slow` in another",
          at: key)
        return nil
      }
      guard name.utf8.count <= Self.nameLimit else {
        report("a key of \(what) has \(name.utf8.count) bytes; \(Self.nameLimit) is the most", at: key)
        return nil
      }
      guard !name.contains("${") else {
        report("`${…}` is not filled in in a key: write out `\(name)`", at: key)
        return nil
      }
      return (name, key, value)
    }
  }

  /// The entries of a mapping that accepts only the given keys.
  package mutating func section(_ node: Node?, _ what: String, keys: [String]) -> [String: Node] {
    var entries: [String: Node] = [:]
    for (name, keyNode, value) in mapping(node, what) {
      if keys.contains(name) {
        entries[name] = value
      } else {
        reportUnknown("key", name, in: what, among: keys, at: keyNode)
      }
    }
    return entries
  }

  mutating func reportUnknown(_ kind: String, _ name: String, in place: String, among names: [String], at node: Node) {
    report("unknown \(kind) `\(name)` in \(place); \(Self.hint(name, among: names))", at: node)
  }

  private static func hint(_ name: String, among names: [String]) -> String {
    if let near = nearestName(to: name, among: names) {
      "did you mean `\(near)`?"
    } else if names.isEmpty {
      "there are none here"
    } else {
      "valid: \(names.sorted().joined(separator: ", "))"
    }
  }

  /// The text of a scalar, with `${NAME}` and `${NAME:-default}` substituted from the environment.
  mutating func text(_ node: Node, _ what: String) -> String? {
    guard let scalar = node.scalar else {
      report("\(what) must be a single value", at: node)
      return nil
    }
    guard scalar.string.utf8.count <= Self.valueLimit else {
      report("\(what) has \(scalar.string.utf8.count) bytes; \(Self.valueLimit) is the most", at: node)
      return nil
    }
    variables.formUnion(Interpolation.names(in: scalar.string))
    do {
      return try Interpolation.filledIn(scalar.string, from: environment)
    } catch {
      report("\(what): \(error.message)", at: node)
      return nil
    }
  }

  /// Reads the values of declared keys, and checks each with its declaration.
  ///
  /// - Parameter parent: The node that a missing key is reported at.
  mutating func values(
    of keys: [any ConfigurationKeyProtocol], in node: Node?, _ what: String, at parent: Node?
  ) -> ConfigurationValues {
    let entries = section(node, what, keys: keys.map(\.name))
    var values = ConfigurationValues()
    for key in keys {
      if let value = entries[key.name], !isNull(value) {
        read(key, from: value, what, into: &values)
      } else if key.isRequired {
        report("\(what) needs `\(key.name)`: \(key.documentation)", at: node ?? parent)
      }
    }
    return values
  }

  mutating func read(
    _ key: any ConfigurationKeyProtocol, from node: Node, _ what: String, into values: inout ConfigurationValues
  ) {
    let what = "\(what).\(key.name)"
    guard let input = input(node, what) else { return }
    do {
      values.set(try key.read(input), for: key.name)
    } catch {
      for problem in error.problems {
        let place = YAMLPlace(node, input).followed(by: problem.path)
        let shown = key.isSecret ? "" : place.shown
        let hint = problem.hint.map { "; \($0)" } ?? ""
        report("\(what)\(place.suffix) \(problem.message)\(shown)\(hint)", at: place.node)
      }
    }
  }

  /// A value of any shape with its texts substituted; nil if one of them is invalid.
  private mutating func input(_ node: Node, _ what: String) -> ConfigurationInput? {
    if let sequence = node.sequence {
      let before = problemCount
      let items = sequence.enumerated().compactMap { index, item in inner(item, "\(what)[\(index)]") }
      return problemCount == before ? .list(items) : nil
    }
    if node.mapping != nil {
      let before = problemCount
      var entries: [String: ConfigurationInput] = [:]
      for (name, _, value) in mapping(node, what) { entries[name] = inner(value, "\(what).\(name)") }
      return problemCount == before ? .mapping(entries) : nil
    }
    return text(node, what).map { .text($0) }
  }

  private mutating func inner(_ node: Node, _ what: String) -> ConfigurationInput? {
    guard !isNull(node) else {
      report("\(what) has no value; write \"\" for an empty text", at: node)
      return nil
    }
    return input(node, what)
  }

  package func isNull(_ node: Node) -> Bool {
    node.scalar != nil && node.tag == Tag(.null)
  }

  /// A value for a message: shortened, and without the password and the query of a URL.
  static func shown(_ text: String) -> String {
    let text = String(text.unicodeScalars.prefix(messageLimit)).replacing(/:\/\/.*@/, with: "://…@")
    let address = text.contains("://") ? text.replacing(/\?.*/.dotMatchesNewlines(), with: "?…") : text
    return oneLine(address, to: 80)
  }

  /// A text on one line. It is shortened first, and terminal control sequences are escaped.
  private static func oneLine(_ text: String, to limit: Int) -> String {
    let start = String(text.unicodeScalars.prefix(limit))
    return TerminalText.line(start.utf8.count == text.utf8.count ? start : "\(start)…")
  }

  private static func describe(_ error: YamlError, in text: String) -> (line: Int, column: Int, message: String) {
    switch error {
    case .parser(_, let problem, let mark, _) where problem.hasPrefix("Maximum nesting level"):
      (mark.line, mark.column, YAMLScan.tooDeep)
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      (mark.line, mark.column, "not valid YAML: \(problem)\(advice(on: text, at: mark))")
    case .reader(let problem, let offset, let value, _):
      // Columns count scalars; the offset counts characters.
      {
        let before = text.prefix(offset ?? 0)
        let line = before.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).last
        let name = value > 0 ? ": U+\(String(format: "%04X", value))" : ""
        return (before.unicodeScalars.count(where: { $0 == "\n" }) + 1, (line?.count ?? 0) + 1, "\(problem)\(name)")
      }()
    case .duplicatedKeysInMapping(let duplicates, let context):
      (
        context.mark.line, context.mark.column,
        "the key `\(duplicates.joined(separator: "`, `"))` stands twice in the mapping that begins here; keep one"
      )
    default:
      (1, 1, "not valid YAML")
    }
  }

  /// The likely cause of two common mistakes in this file.
  private static func advice(on text: String, at mark: Mark) -> String {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.indices.contains(mark.line - 1) else { return "" }
    let line = Array(lines[mark.line - 1].unicodeScalars)
    let index = mark.column - 1
    guard line.indices.contains(index) else { return "" }
    if line[index] == "\t" { return "; indent with spaces: this is a tab" }
    // YAML parsed `$` as a value and `{` as the start of a mapping.
    if line[index] == "{", index > 0, line[index - 1] == "$" {
      return #"; inside { } and [ ] a value with ${…} needs quotes: { url: "${NAME}" }"#
    }
    return ""
  }
}
