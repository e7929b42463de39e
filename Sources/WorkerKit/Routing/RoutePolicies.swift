/// The settings that a route and `defaults` share: the timeout, the retry delays and the error policy.
struct RoutePolicies {
  var timeout = Duration.seconds(20)
  var backoff = Backoff.standard
  var errorPolicy = ErrorPolicy.standard

  static func timeoutKey(_ value: Duration) -> ConfigurationKey<Duration> {
    ConfigurationKey("timeout", default: value, "How long the handler may take.", check: isPositive)
  }

  /// The keys of `retry`. The given values are the defaults.
  struct RetryKeys {
    let base: ConfigurationKey<Duration>
    let factor: ConfigurationKey<Double>
    let max: ConfigurationKey<Duration>
    let jitter: ConfigurationKey<Backoff.Jitter>

    init(_ defaults: Backoff) {
      base = ConfigurationKey("base", default: defaults.base, "The ceiling of the first wait.", check: isPositive)
      factor = ConfigurationKey(
        "factor", default: defaults.factor, "What each further try multiplies it by.",
        check: { $0 >= 1 ? nil : "must be at least 1" })
      max = ConfigurationKey(
        "max", default: defaults.max, "The longest wait; SQS allows 12 hours.", check: isPositive)
      jitter = ConfigurationKey(
        "jitter", default: defaults.jitter,
        "`full` draws evenly from zero to the ceiling; `none` waits for the ceiling.")
    }

    var all: [any ConfigurationKeyProtocol] { [base, factor, max, jitter] }
  }

  private static let isPositive: @Sendable (Duration) -> String? = {
    $0 > .zero && $0 <= .seconds(43_200) ? nil : "must be more than zero and 12h at most"
  }
}

extension Backoff.Jitter: ConfigurationValue {}
