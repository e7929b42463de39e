/// One entry of `limits` in `routes.yaml`.
package struct LimitConfiguration: Sendable {
  var name: String
  var rate: Rate
  var burst: Int
  var concurrency: Int
  var key: String

  /// In words: `discord, 40/s, a burst of 40, 8 at once, for each guildId`.
  package var words: String {
    let parts = [
      name, rate.text, burst > 1 ? "a burst of \(burst)" : nil,
      concurrency < Keys.concurrencyLimit ? "\(concurrency) at once" : nil, key.isEmpty ? nil : "for each \(key)",
    ]
    return parts.compactMap(\.self).joined(separator: ", ")
  }

  enum Keys {
    static let rate = ConfigurationKey<Rate>(
      "rate", "How many handlers start in a second, a minute or an hour: 40/s, 30/m, 500/h.")
    static let burst = ConfigurationKey(
      "burst", default: 1, "How many may start at once after a pause.", check: between(1, Rate.countLimit))
    static let concurrency = ConfigurationKey(
      "concurrency", default: concurrencyLimit, "How many handlers run at once.", check: between(1, concurrencyLimit))
    static let key = ConfigurationKey(
      "key", default: "",
      "A field of the event, such as guildId or guild.id: each of its values has a limit of its own.",
      check: {
        let isPath = $0.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
        return $0.isEmpty || isPath ? nil : "must be a field of the event, such as guildId or guild.id"
      })

    static let concurrencyLimit = 10_000

    static let all: [any ConfigurationKeyProtocol] = [rate, burst, concurrency, key]

    private static func between(_ low: Int, _ high: Int) -> @Sendable (Int) -> String? {
      { (low...high).contains($0) ? nil : "must be from \(low) to \(high)" }
    }
  }

  init(name: String, values: ConfigurationValues) {
    self.name = name
    rate = values[Keys.rate]
    burst = values[Keys.burst]
    concurrency = values[Keys.concurrency]
    key = values[Keys.key]
  }

  func makeLimit() -> RateLimit {
    RateLimit(name: name, rate: rate, burst: burst, concurrency: concurrency, key: key)
  }
}
