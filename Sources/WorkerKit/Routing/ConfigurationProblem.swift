/// One thing that is wrong with a configuration file, and where.
public struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
  public var file: String
  /// From 1.
  public var line: Int
  /// From 1, in Unicode scalars.
  public var column: Int
  /// The cause and the next step.
  public var message: String

  public init(file: String, line: Int, column: Int, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
  }

  public var description: String { "\(file):\(line):\(column): \(message)" }
}

/// Everything that is wrong with a configuration file, in the file's order.
public struct ConfigurationError: Error, CustomStringConvertible {
  public var problems: [ConfigurationProblem]

  public init(problems: [ConfigurationProblem]) {
    self.problems = problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
  }

  public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// The candidate nearest to a mistyped name, if any is near enough to be meant: a third of its letters wrong at most.
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
  candidates
    .map { (candidate: $0, distance: editDistance(name.lowercased(), $0.lowercased())) }
    .filter { $0.distance <= max(1, max($0.candidate.count, name.count) / 3) }
    .min { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }?
    .candidate
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
private func editDistance(_ first: String, _ second: String) -> Int {
  let first = Array(first.unicodeScalars.prefix(200))
  let second = Array(second.unicodeScalars.prefix(200))
  var beforePrevious: [Int] = []
  var previous = Array(0...second.count)
  for (i, scalar) in first.enumerated() {
    var current = [i + 1]
    for (j, other) in second.enumerated() {
      var best = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (scalar == other ? 0 : 1))
      if i > 0, j > 0, scalar == second[j - 1], first[i - 1] == other {
        best = min(best, beforePrevious[j - 1] + 1)
      }
      current.append(best)
    }
    (beforePrevious, previous) = (previous, current)
  }
  return previous[second.count]
}
