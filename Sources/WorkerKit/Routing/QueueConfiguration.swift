import Foundation

/// One queue of `routes.yaml`.
public struct QueueConfiguration: Sendable, Hashable {
  /// Its name under `queues:`.
  public var name: String
  public var url: String
  public var region: String
  public var maxMessages: Int
  public var waitTime: Duration
  public var visibilityTimeout: Duration
  public var maxReceiveCount: Int
  public var concurrency: Int

  /// The keys of an entry under `queues:`; their defaults are the spec's.
  enum Keys {
    static let url = ConfigurationKey<String>(
      "url", "The queue's URL, such as https://sqs.us-east-1.amazonaws.com/123456789012/prizes.",
      check: { text in
        let url = URL(string: text)
        let isQueue = ["http", "https"].contains(url?.scheme) && url?.host != nil && (url?.path.count ?? 0) > 1
        return isQueue
          ? nil
          : "must be a queue URL with http:// or https://, such as https://sqs.us-east-1.amazonaws.com/123456789012/prizes"
      })
    static let region = ConfigurationKey(
      "region", default: "us-east-1", "The queue's AWS region; requests are signed for it.")
    static let enabled = ConfigurationKey("enabled", default: true, "Whether the worker receives from this queue.")
    static let maxMessages = ConfigurationKey(
      "maxMessages", default: 5, "How many messages one receive asks for at most.", check: between(1, 10))
    static let waitTime = ConfigurationKey(
      "waitTime", default: .seconds(5), "How long a receive waits for a message.",
      check: wholeSeconds(0, 20))
    static let visibilityTimeout = ConfigurationKey(
      "visibilityTimeout", default: .seconds(30),
      "How long a received message is hidden from other workers; extended while its handler runs.",
      check: wholeSeconds(1, 43_200))
    static let maxReceiveCount = ConfigurationKey(
      "maxReceiveCount", default: 3,
      "How often a message is received before the queue dead-letters it. The queue's redrive policy decides; this is compared with it.",
      check: between(1, 1000))
    static let concurrency = ConfigurationKey(
      "concurrency", default: 16, "How many messages are handled at once.", check: between(1, 10_000))

    static let all: [any ConfigurationKeyProtocol] = [
      url, region, enabled, maxMessages, waitTime, visibilityTimeout, maxReceiveCount, concurrency,
    ]

    private static func between(_ low: Int, _ high: Int) -> @Sendable (Int) -> String? {
      { (low...high).contains($0) ? nil : "must be from \(low) to \(high)" }
    }

    private static func wholeSeconds(_ low: Int, _ high: Int) -> @Sendable (Duration) -> String? {
      { value in
        let isWhole = value.components.attoseconds == 0
        return isWhole && (.seconds(low)...(.seconds(high))).contains(value)
          ? nil : "must be whole seconds from \(low)s to \(high)s"
      }
    }
  }

  init(name: String, values: ConfigurationValues) {
    self.name = name
    url = values[Keys.url]
    region = values[Keys.region]
    maxMessages = values[Keys.maxMessages]
    waitTime = values[Keys.waitTime]
    visibilityTimeout = values[Keys.visibilityTimeout]
    maxReceiveCount = values[Keys.maxReceiveCount]
    concurrency = values[Keys.concurrency]
  }
}
