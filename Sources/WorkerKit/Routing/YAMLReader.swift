import Foundation
import Yams

/// Reads a YAML document and gathers what is wrong with it, so that all of it is reported at once.
struct YAMLReader {
  let file: String
  let environment: [String: String]
  private(set) var problems: [ConfigurationProblem] = []

  init(file: String, environment: [String: String]) {
    self.file = file
    self.environment = environment
  }

  mutating func parse(_ text: String) -> Node? {
    do {
      return try Yams.compose(yaml: text)
    } catch let error as YamlError {
      let (line, column, message) = Self.describe(error)
      problems.append(ConfigurationProblem(file: file, line: line, column: column, message: message))
    } catch {
      problems.append(ConfigurationProblem(file: file, line: 1, column: 1, message: "cannot be read as YAML: \(error)"))
    }
    return nil
  }

  mutating func report(_ message: String, at node: Node?) {
    let mark = node?.mark
    problems.append(
      ConfigurationProblem(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1, message: message))
  }

  /// The entries of a mapping by key. An empty value counts as an empty mapping.
  mutating func mapping(_ node: Node?, _ what: String) -> [(key: String, keyNode: Node, value: Node)] {
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
      return (name, key, value)
    }
  }

  /// A mapping that accepts the named keys alone.
  mutating func section(_ node: Node?, _ what: String, keys: [String]) -> [String: Node] {
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
    let hint =
      if let near = nearestName(to: name, among: names) {
        "did you mean `\(near)`?"
      } else if names.isEmpty {
        "there are none here"
      } else {
        "valid: \(names.sorted().joined(separator: ", "))"
      }
    report("unknown \(kind) `\(name)` in \(place); \(hint)", at: node)
  }

  /// The text of a scalar with `${NAME}` and `${NAME:-default}` filled in from the environment.
  mutating func text(_ node: Node, _ what: String) -> String? {
    guard let scalar = node.scalar else {
      report("\(what) must be a single value", at: node)
      return nil
    }
    do {
      return try interpolated(scalar.string)
    } catch {
      report("\(what): \(error.message)", at: node)
      return nil
    }
  }

  /// The values of declared keys, each checked by its declaration.
  ///
  /// - Parameter parent: Where a missing key is reported.
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
    guard let text = text(node, "\(what).\(key.name)") else { return }
    do {
      values.set(try key.read(text), for: key.name)
    } catch {
      report("\(what).\(key.name) \(error.message), but it is `\(text)`", at: node)
    }
  }

  func isNull(_ node: Node) -> Bool {
    node.scalar.map { $0.style == .plain && ["", "~", "null"].contains($0.string) } ?? false
  }

  /// `$${` stands for `${` itself.
  private func interpolated(_ text: String) throws(ConfigurationValueError) -> String {
    var result = ""
    var rest = text[...]
    while let dollar = rest.range(of: "${") {
      result += rest[..<dollar.lowerBound]
      if result.hasSuffix("$") {
        result += "{"
        rest = rest[dollar.upperBound...]
        continue
      }
      guard let end = rest[dollar.upperBound...].firstIndex(of: "}") else {
        throw ConfigurationValueError("`${` has no closing `}`")
      }
      let reference = rest[dollar.upperBound..<end]
      let separator = reference.range(of: ":-")
      let name = String(reference[..<(separator?.lowerBound ?? reference.endIndex)])
      // As in a shell: an empty variable is as good as none.
      if let value = environment[name], !value.isEmpty {
        result += value
      } else if let separator {
        result += reference[separator.upperBound...]
      } else {
        throw ConfigurationValueError(
          "the environment variable \(name) is not set; export it, or write a default: `${\(name):-…}`")
      }
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  private static func describe(_ error: YamlError) -> (line: Int, column: Int, message: String) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      (mark.line, mark.column, "not valid YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      (
        context.mark.line, context.mark.column,
        "the key `\(duplicates.joined(separator: "`, `"))` stands twice in the mapping that begins here; keep one"
      )
    default:
      (1, 1, "not valid YAML: \(error)")
    }
  }
}
