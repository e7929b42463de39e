/// The configuration of one queue: an entry under `queues:` in `routes.yaml`.
public struct QueueConfiguration: Sendable, Hashable {
  /// The name of the entry.
  public var name: String
  /// The queue's URL. Its last part is the queue's name.
  public var url: String
  /// The AWS region; nil if the file does not name one, in which case the environment, the profile or the URL
  /// determines it.
  public var region: String?
  /// The maximum number of messages that one receive returns, 1 to 10.
  public var maxMessages: Int
  /// How long a receive waits for a message, in whole seconds, at most 20.
  public var waitTime: Duration
  /// How long a received message stays invisible to other consumers. The worker extends it while the handler runs.
  public var visibilityTimeout: Duration
  /// The expected `maxReceiveCount` of the queue's redrive policy. If the values differ, the redrive policy applies.
  public var maxReceiveCount: Int
  /// The maximum number of messages that are handled at the same time.
  public var concurrency: Int
  /// The maximum number of messages that are received in advance, as a multiple of ``concurrency``; 0 for none.
  public var prefetchMultiplier: Int

  /// The keys of an entry under `queues:`. Their defaults are those of the specification, if it defines one.
  enum Keys {
    static let url = ConfigurationKey<String>(
      "url", "The queue's URL, such as https://sqs.us-east-1.amazonaws.com/123456789012/prizes.",
      check: Address.queueURL)
    static let region = ConfigurationKey(
      "region", default: "",
      """
      The queue's AWS region; requests are signed for it. Without it the region is AWS_REGION's, AWS_DEFAULT_REGION's, the \
      profile's, the one that the URL names, or us-east-1.
      """, check: { $0.isEmpty ? nil : Address.region($0) })
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
      "concurrency", default: 32, "How many messages are handled at once.", check: between(1, 10_000))

    static let prefetchMultiplier = ConfigurationKey(
      "prefetchMultiplier", default: 2,
      """
      How many times `concurrency` messages may be received before a slot is free for them, at most; 0 for none. They are no \
      more than the handlers take up during a receive.
      """, check: between(0, 10))

    static let all: [any ConfigurationKeyProtocol] = [
      url, region, enabled, maxMessages, waitTime, visibilityTimeout, maxReceiveCount, concurrency,
      prefetchMultiplier,
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
    region = values[Keys.region].isEmpty ? nil : values[Keys.region]
    maxMessages = values[Keys.maxMessages]
    waitTime = values[Keys.waitTime]
    visibilityTimeout = values[Keys.visibilityTimeout]
    maxReceiveCount = values[Keys.maxReceiveCount]
    concurrency = values[Keys.concurrency]
    prefetchMultiplier = values[Keys.prefetchMultiplier]
  }
}
