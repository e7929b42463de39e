/// Counts failures that are alike, so that a log says each once and how many there were, not each of thousands.
///
/// The first five of a kind in ten seconds are shown, so that one message's tries all are; the rest are counted, and said
/// after the first receive when the ten seconds are over.
struct FoldedFailures {
  /// What makes failures alike.
  struct Cause: Hashable {
    var route: String
    var kind: ErrorKind
    var message: String
  }

  struct Summary: Hashable {
    var cause: Cause
    /// How many were not shown.
    var count: Int
    /// From the first to the last of them all.
    var span: Duration
  }

  private struct Run {
    var start: Duration
    var end: Duration
    var count = 0
  }

  static let window = Duration.seconds(10)
  static let shown = 5
  /// More causes at once are not alike, and each is shown.
  private static let limit = 256

  private var runs: [Cause: Run] = [:]

  /// - Parameter now: Never goes back.
  /// - Returns: whether this one is to be shown.
  mutating func add(_ cause: Cause, at now: Duration) -> Bool {
    guard runs[cause] != nil || runs.count < Self.limit else { return true }
    var run = runs[cause] ?? Run(start: now, end: now)
    run.count += 1
    run.end = now
    runs[cause] = run
    return run.count <= Self.shown
  }

  /// The runs that are over, without those that were shown whole.
  mutating func takeFinished(at now: Duration) -> [Summary] {
    guard !runs.isEmpty else { return [] }
    var finished: [Summary] = []
    for (cause, run) in runs where now - run.start >= Self.window {
      runs[cause] = nil
      if run.count > Self.shown {
        finished.append(Summary(cause: cause, count: run.count - Self.shown, span: run.end - run.start))
      }
    }
    return finished.sorted { $0.count > $1.count }
  }
}
