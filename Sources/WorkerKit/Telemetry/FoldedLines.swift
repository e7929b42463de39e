/// Counts similar log lines, so that the log shows a few of them and their number instead of thousands.
///
/// Within ten seconds the first five lines of a kind are shown, which covers every attempt of one message. The rest are
/// counted, and reported after the first receive that follows the ten seconds. At most 32 kinds are distinguished at a
/// time; further kinds count as one kind. A minute therefore has at most 1,200 lines.
struct FoldedLines {
  /// The parts of a line by which it is compared.
  struct Line: Hashable {
    /// The log message, a static string.
    var text: String
    /// The label of the message's route.
    var route: String
    /// The error kind.
    var kind: String?
    /// The error. Parts that differ from message to message are ignored: numbers, ids and quoted text.
    var detail: String

    fileprivate var normalized: Line {
      var line = self
      line.detail = Self.normalized(detail)
      return line
    }

    /// Replaces words that contain digits by `#`, and text between backticks or quotation marks by `…`.
    static func normalized(_ detail: String) -> String {
      var result = String.UnicodeScalarView()
      var word = String.UnicodeScalarView()
      var hasDigit = false
      var quote: Unicode.Scalar?
      func endWord() {
        result.append(contentsOf: hasDigit ? "#".unicodeScalars : word)
        word.removeAll(keepingCapacity: true)
        hasDigit = false
      }
      for scalar in detail.unicodeScalars {
        if let end = quote {
          if scalar == end { quote = nil }
        } else if scalar.properties.isAlphabetic || scalar == "_" || scalar == "-" || ("0"..."9").contains(scalar) {
          word.append(scalar)
          hasDigit = hasDigit || ("0"..."9").contains(scalar)
        } else {
          endWord()
          let isQuote = scalar == "\"" || scalar == "`"
          result.append(isQuote ? "…" : scalar)
          quote = isQuote ? scalar : nil
        }
      }
      endWord()
      return String(result)
    }
  }

  struct Summary: Hashable {
    /// The first line; nil if the lines exceeded the limit of kinds.
    var line: Line?
    /// How many lines were not shown.
    var count: Int
    /// The time from the first to the last line.
    var span: Duration
  }

  private struct Run {
    var first: Line?
    var start: Duration
    var end: Duration
    var count = 0
  }

  static let window = Duration.seconds(10)
  static let shown = 5
  static let limit = 32

  /// The lines of each kind; nil for the kinds beyond the limit.
  private var runs: [Line?: Run] = [:]

  /// Counts a line.
  ///
  /// - Parameter now: The current time, which never decreases.
  /// - Returns: Whether to show the line.
  mutating func add(_ line: Line, at now: Duration) -> Bool {
    var kind: Line? = line.normalized
    if runs[kind] == nil, runs.count >= Self.limit { kind = nil }
    var run = runs[kind] ?? Run(first: kind == nil ? nil : line, start: now, end: now)
    run.count += 1
    run.end = now
    runs[kind] = run
    return run.count <= Self.shown
  }

  /// Returns and removes the runs whose window has ended. Runs whose lines were all shown are omitted.
  mutating func takeFinished(at now: Duration) -> [Summary] {
    guard !runs.isEmpty else { return [] }
    var finished: [Summary] = []
    for (kind, run) in runs where now - run.start >= Self.window {
      runs[kind] = nil
      if run.count > Self.shown {
        finished.append(Summary(line: run.first, count: run.count - Self.shown, span: run.end - run.start))
      }
    }
    return finished.sorted { $0.count > $1.count }
  }
}
