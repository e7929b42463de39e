import Foundation

/// Reads `OTEL_*` variables by the rules of the specification: an empty variable counts as unset; an invalid one is
/// ignored with a warning.
struct EnvironmentReader {
  private let variables: [String: String]
  private(set) var warnings: [String] = []

  init(_ variables: [String: String]) {
    self.variables = variables
  }

  /// The first variable that is set. Pass the more specific name first.
  func text(_ names: String...) -> (name: String, value: String)? {
    first(names)
  }

  private func first(_ names: [String]) -> (name: String, value: String)? {
    for name in names {
      if let value = variables[name]?.trimmingCharacters(in: .whitespacesAndNewlines), !value.isEmpty {
        return (name, value)
      }
    }
    return nil
  }

  mutating func warn(_ name: String, _ problem: String) {
    warnings.append("\(name) is ignored: \(problem)")
  }

  mutating func flag(_ name: String) -> Bool {
    guard let value = text(name)?.value.lowercased() else { return false }
    if value != "true", value != "false" { warn(name, "it must be true or false, but it is `\(value)`") }
    return value == "true"
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(_ names: String..., otherwise: Choice) -> Choice
  where Choice.RawValue == String {
    guard let (name, value) = first(names) else { return otherwise }
    if let choice = Choice(rawValue: value.lowercased()) { return choice }
    warn(name, "it must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", ")), but it is `\(value)`")
    return otherwise
  }

  mutating func count(_ names: String..., atLeast least: Int = 1) -> Int? {
    count(names, atLeast: least)
  }

  mutating func milliseconds(_ names: String..., otherwise: Duration) -> Duration {
    count(names, atLeast: 1).map { .milliseconds($0) } ?? otherwise
  }

  private mutating func count(_ names: [String], atLeast least: Int) -> Int? {
    guard let (name, value) = first(names) else { return nil }
    if let number = Int32(value), number >= least { return Int(number) }
    warn(name, "it must be a whole number of at least \(least), but it is `\(value)`")
    return nil
  }

  /// Parses `key1=value1,key2=value2` with percent-encoded values. An invalid list is ignored completely and not
  /// logged, because headers can be secret.
  mutating func pairs(_ names: String...) -> [(name: String, value: String)] {
    guard let (name, value) = first(names) else { return [] }
    var pairs: [(name: String, value: String)] = []
    for (index, member) in value.split(separator: ",").enumerated() {
      let parts = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
      guard parts.count == 2, !parts[0].isEmpty, let value = parts[1].removingPercentEncoding else {
        warn(name, "its entry \(index + 1) is not of the form key=value, with the value percent-encoded")
        return []
      }
      pairs.append((parts[0], value))
    }
    return pairs
  }
}
