/// A problem in a configuration file, with its position.
public struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
  /// The path of the file, as given.
  public var file: String
  /// The line number, starting at 1.
  public var line: Int
  /// The column number in Unicode scalars, starting at 1.
  public var column: Int
  /// The cause and the next step.
  public var message: String

  /// Creates a problem.
  public init(file: String, line: Int, column: Int, message: String) {
    self.file = file
    self.line = line
    self.column = column
    self.message = message
  }

  /// The problem in the format that editors and terminals link: `routes.yaml:12:5: …`.
  public var description: String { "\(file):\(line):\(column): \(message)" }
}

/// All problems of a configuration file, in the order of the file.
public struct ConfigurationError: Error, CustomStringConvertible {
  /// The maximum number of problems to report.
  static let limit = 100

  /// The first hundred problems.
  public var problems: [ConfigurationProblem]
  /// The number of further problems.
  public var omitted: Int

  /// Sorts the problems by their positions, and keeps the first hundred.
  public init(problems: [ConfigurationProblem], omitted: Int = 0) {
    let sorted = problems.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
    self.problems = Array(sorted.prefix(Self.limit))
    self.omitted = omitted + max(0, sorted.count - Self.limit)
  }

  /// One line for each problem.
  public var description: String {
    let lines = problems.map(\.description)
    return (omitted == 0 ? lines : lines + ["… and \(omitted) more"]).joined(separator: "\n")
  }
}

/// Returns the candidate nearest to a mistyped name; nil if none is similar enough, which means that at most a third of
/// its letters differ.
package func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
  // A longer name cannot be a typo of a candidate.
  let name = String(name.unicodeScalars.prefix(200))
  return candidates.lazy
    .map { (candidate: $0, most: max(1, max($0.count, name.count) / 3)) }
    .filter { abs($0.candidate.count - name.count) <= $0.most }
    .map {
      (candidate: $0.candidate, distance: editDistance(name.lowercased(), $0.candidate.lowercased()), most: $0.most)
    }
    .filter { $0.distance <= $0.most }
    .min { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }?
    .candidate
}

/// The number of insertions, deletions, replacements and swaps of neighboring letters between two words.
private func editDistance(_ first: String, _ second: String) -> Int {
  let first = Array(first.unicodeScalars)
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
