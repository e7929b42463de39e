import Foundation
import WorkerKit
import WorkerSQS

/// Compares visibility timeouts and waits with the durations of handlers and retries.
///
/// The worker sets its own visibility timeout with every receive, and extends it while a handler runs. Therefore a
/// handler may run longer than the timeout, and the queue's own timeout is irrelevant. The relevant values are how many
/// extensions may fail, how long a message stays hidden after its worker dies, and SQS's limits.
struct VisibilityCheck {
  /// Below this value, an extension has two attempts of a second or less.
  private static let short = Duration.seconds(5)
  private static let long = Duration.seconds(900)
  /// SQS ends a lease twelve hours after the receive.
  private static let limit = Duration.seconds(43_200)

  let queue: QueueConfiguration
  let routes: [RoutesFile.RouteConfiguration]
  /// The queue's attributes; nil if they are unknown.
  let attributes: [String: String]?

  func findings() -> [Finding] {
    let warnings =
      [tooShort, tooLong].compactMap(\.self) + routes.flatMap { [endless($0), expiring($0)] }.compactMap(\.self)
    guard warnings.isEmpty else { return warnings }
    let longest = routes.map(\.timeout).max() ?? .zero
    let renewal =
      longest > queue.visibilityTimeout
      ? "renewed while handlers run, which may take \(text(longest))" : "handlers may take \(text(longest))"
    return [.ok("\(text(queue.visibilityTimeout)); \(renewal)")]
  }

  private var tooShort: Finding? {
    guard queue.visibilityTimeout < Self.short else { return nil }
    return .warning(
      "\(text(queue.visibilityTimeout)) leaves a renewal \(text(queue.visibilityTimeout / 2)): one slow answer of the queue's, "
        + "and another worker receives the message, too",
      remedy: "visibilityTimeout: 30s   # queues.\(queue.name)")
  }

  private var tooLong: Finding? {
    guard queue.visibilityTimeout > Self.long else { return nil }
    return .warning(
      "after a worker that died, its messages stay hidden for up to \(text(queue.visibilityTimeout)); a short timeout does, since it is renewed",
      remedy: "visibilityTimeout: 30s   # queues.\(queue.name)")
  }

  private func endless(_ route: RoutesFile.RouteConfiguration) -> Finding? {
    guard route.timeout >= Self.limit else { return nil }
    return .warning(
      "\(route.eventType) may take \(text(route.timeout)), and SQS makes a message visible again after 12h, however often it is renewed",
      remedy: "timeout: 11h   # routes.\(route.eventType)")
  }

  /// Compares the maximum total delay between all attempts with the queue's retention period.
  private func expiring(_ route: RoutesFile.RouteConfiguration) -> Finding? {
    guard let retention = attributes?["MessageRetentionPeriod"].flatMap({ Int($0) }) else { return nil }
    let policy = attributes?["RedrivePolicy"].flatMap(QueueInspector.redrivePolicy)
    let receives = policy?.maxReceiveCount ?? queue.maxReceiveCount
    let waits = (1...max(receives, 1)).reduce(Duration.zero) {
      $0 + route.backoff.delay(afterAttempt: $1, random: 1)
    }
    guard waits > .seconds(retention) else { return nil }
    return .warning(
      "the retries of \(route.eventType) can take \(text(waits)), and the queue keeps a message for \(text(.seconds(retention))): "
        + "it would expire before it is dead-lettered",
      remedy: "retry: { max: 15m }   # routes.\(route.eventType) or defaults")
  }

  /// The duration in the largest unit that divides it, as in `routes.yaml`.
  private func text(_ duration: Duration) -> String {
    let seconds = duration / .seconds(1)
    let units = [(86_400.0, "d"), (3600, "h"), (60, "m")]
    let unit = units.first { seconds >= 2 * $0.0 || seconds == $0.0 } ?? (1, "s")
    return
      "\((seconds / unit.0).formatted(.number.precision(.fractionLength(0...1)).locale(Locale(identifier: "en_US_POSIX"))))\(unit.1)"
  }
}
