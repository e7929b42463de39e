/// Consecutive failures that an outage can cause. No event that started after the first of them was handled.
struct FailureStreak: Sendable {
  /// How many message IDs are kept.
  static let messageLimit = 1_000

  let number: Int
  let start: Duration
  private(set) var messageIDs: Set<String> = []
  private(set) var lastFailure = ""
  /// An event that started after the first failure was handled while the health check ran.
  var isContradicted = false
  private var isOfTimeoutsAlone = true

  init(number: Int, start: Duration) {
    self.number = number
    self.start = start
  }

  mutating func add(_ failure: HandlingFailure, _ messageID: String) {
    if messageIDs.count < Self.messageLimit { messageIDs.insert(messageID) }
    if failure.kind != .timeout { isOfTimeoutsAlone = false }
    lastFailure = "\(failure)"
  }

  /// Whether the dependency is the cause, rather than the messages.
  ///
  /// If only one message fails while the plugin is healthy, or only with timeouts, the message may be the cause. So may
  /// messages that failed before, while others were handled.
  func isOutage(hasCheck: Bool, suspects: Set<String>) -> Bool {
    guard !messageIDs.isSubset(of: suspects) else { return false }
    return messageIDs.count > 1 || !(hasCheck || isOfTimeoutsAlone)
  }
}
