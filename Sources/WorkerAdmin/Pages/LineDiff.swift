import WorkerKit

/// What differs between two texts, line by line.
enum LineDiff {
  struct Line: Sendable {
    var sign: String
    var text: String
    var isRemoved: Bool
    var isAdded: Bool
  }

  /// Longer parts are shown as replaced, and not whole: the time of a comparison grows with the square of their length.
  private static let limit = 500

  static func lines(from old: String, to new: String) -> [Line] {
    let (old, new) = (split(old), split(new))
    var start = 0
    while start < min(old.count, new.count), old[start] == new[start] { start += 1 }
    var end = 0
    while end < min(old.count, new.count) - start, old[old.count - 1 - end] == new[new.count - 1 - end] { end += 1 }
    let (middleOld, middleNew) = (Array(old[start..<old.count - end]), Array(new[start..<new.count - end]))
    var result = old[..<start].suffix(3).map { line(" ", $0) }
    if max(middleOld.count, middleNew.count) <= limit {
      let difference = middleNew.difference(from: middleOld)
      let removed = Set(difference.removals.map(\.offset)), added = Set(difference.insertions.map(\.offset))
      var (i, j) = (0, 0)
      while i < middleOld.count || j < middleNew.count {
        if i < middleOld.count, removed.contains(i) {
          result.append(line("-", middleOld[i]))
          i += 1
        } else if j < middleNew.count, added.contains(j) {
          result.append(line("+", middleNew[j]))
          j += 1
        } else {
          result.append(line(" ", middleNew[j]))
          i += 1
          j += 1
        }
      }
    } else {
      result += middleOld.prefix(limit).map { line("-", $0) } + middleNew.prefix(limit).map { line("+", $0) }
    }
    return result + old[(old.count - end)...].prefix(3).map { line(" ", $0) }
  }

  private static func split(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  private static func line(_ sign: String, _ text: Substring) -> Line {
    Line(sign: sign, text: TerminalText.lines(String(text)), isRemoved: sign == "-", isAdded: sign == "+")
  }
}

extension CollectionDifference.Change {
  fileprivate var offset: Int {
    switch self {
    case .insert(let offset, _, _), .remove(let offset, _, _): offset
    }
  }
}
