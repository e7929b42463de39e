import Logging
import WorkerKit

/// Forgets the keys of events that were handled long ago, in small steps, beside the events.
///
/// A key keeps a second delivery of its event from granting again, so it must outlive every message of the event: those in the queue and
/// in its dead-letter queue. The ledger keeps its lines.
struct KeyPruning: Sendable {
  /// How many keys one transaction deletes: some milliseconds of work.
  static let step = 500
  /// The longest that a message can be in a queue and then in its dead-letter queue, at SQS: 14 days in each.
  static let messageLife = Duration.seconds(28 * 86_400)
  /// From one round to the next.
  private static let interval = Duration.seconds(3_600)
  /// A tenth of the time is spent on pruning, so that events go on as if there were none.
  private static let rest = 9

  /// What became of one transaction.
  enum Step: Equatable, Sendable {
    case pruned(Int)
    /// Another worker does it now.
    case othersTurn
  }

  let store: any PrizeStore
  let age: Duration
  let logger: Logger
  var clock = WorkerClock.continuous

  /// Prunes from time to time until it is cancelled. A failure is one of the database's, which events and health report; the next round
  /// begins where this one ended.
  ///
  /// - Throws: `CancellationError`.
  func run() async throws {
    while true {
      do {
        let count = try await round()
        if count > 0 {
          logger.info("keys of events that were handled long ago are pruned", metadata: ["count": "\(count)"])
        }
      } catch {
        try Task.checkCancellation()
        logger.debug("keys are not pruned now", metadata: ["error": "\(error)"])
      }
      // Workers that started together do not come together for ever.
      try await clock.sleep(for: Self.interval * .random(in: 0.9...1.1))
    }
  }

  /// Prunes until there is nothing that is old enough, or another worker does.
  ///
  /// - Returns: How many keys were pruned.
  func round() async throws -> Int {
    var total = 0
    while true {
      let start = clock.now
      guard case .pruned(let count) = try await store.pruneKeys(olderThan: age) else { return total }
      total += count
      guard count == Self.step else { return total }
      try await clock.sleep(for: (clock.now - start) * Self.rest)
    }
  }
}

extension KeyPruning {
  /// What the doctor says where keys are much older than they should be; nil where they are not.
  static func finding(oldestKeyIs age: Duration, keptFor limit: Duration, in database: String) -> Finding? {
    guard age > limit + .seconds(86_400) else { return nil }
    func days(_ duration: Duration) -> Int { Int(duration / .seconds(86_400)) }
    return .warning(
      "\(database): the oldest key of a handled event is \(days(age)) days old, and keepHandledEvents is \(days(limit)) days; a "
        + "worker that runs prunes keys, so see that one does")
  }
}
