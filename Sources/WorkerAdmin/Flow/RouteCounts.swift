/// What became of a route's events, and how long they took.
struct RouteCounts: Sendable {
  /// Percentiles are of the last five to ten minutes.
  private static let interval = Duration.seconds(300)

  /// Since the process began.
  private(set) var outcomes: [FlowEvent.Outcome: Int] = [:]
  private var current = DurationHistogram()
  private var previous = DurationHistogram()
  private var start: Duration

  init(at now: Duration) {
    start = now
  }

  var handled: Int { outcomes[.handled, default: 0] + outcomes[.duplicate, default: 0] }
  var failed: Int { outcomes.reduce(0) { $0 + ($1.key.isFailure ? $1.value : 0) } }

  mutating func add(_ outcome: FlowEvent.Outcome, _ duration: Duration, at now: Duration) {
    rotate(at: now)
    outcomes[outcome, default: 0] += 1
    current.add(duration)
  }

  func durations(at now: Duration) -> DurationHistogram {
    var copy = self
    copy.rotate(at: now)
    return copy.previous + copy.current
  }

  private mutating func rotate(at now: Duration) {
    guard now - start >= Self.interval else { return }
    previous = now - start < Self.interval * 2 ? current : DurationHistogram()
    current = DurationHistogram()
    start = now
  }
}
