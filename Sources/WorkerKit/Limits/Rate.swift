/// How often something may happen: `40/s`, `30/m`, `500/h`.
public struct Rate: Sendable, Hashable {
  /// The time from one to the next; rounded up, so that no more happen than the rate says.
  public let interval: Duration

  /// - Parameters:
  ///   - count: How many; one at least.
  ///   - period: Within which time.
  public init(_ count: Int, per period: Duration) {
    let interval = period / count
    self.interval =
      interval * count < period ? interval + Duration(secondsComponent: 0, attosecondsComponent: 1) : interval
  }
}

extension Rate: ConfigurationValue {
  static let countLimit = 1_000_000
  private static let periods: [String: Duration] = ["s": .seconds(1), "m": .seconds(60), "h": .seconds(3600)]

  /// As routes.yaml has it: `40/s`.
  var text: String {
    let seconds = interval.inSeconds
    let counts = [(1.0, "s"), (60, "m"), (3600, "h")].map { (count: $0 / seconds, unit: $1) }
    let whole = counts.first { $0.count >= 1 && abs($0.count - $0.count.rounded()) < 1e-6 * $0.count } ?? counts[2]
    return "\(Int(whole.count.rounded()))/\(whole.unit)"
  }

  public static var configurationDescription: String {
    "a whole number from 1 to \(countLimit) for each second, minute or hour, such as 40/s, 30/m or 500/h"
  }

  public static var configurationSchema: JSONSchema {
    .orReference(["type": "string", "pattern": "^[1-9][0-9]*/[smh]$"])
  }

  public init?(configurationText text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(parts[0]),
      (1...Self.countLimit).contains(count), let period = Self.periods[String(parts[1])]
    else { return nil }
    self.init(count, per: period)
  }
}
