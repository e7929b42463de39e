import Foundation
import WorkerHTTP

/// `Retry-After`: how long a server asks to be left alone.
enum RetryAfter {
  /// - Parameters:
  ///   - now: Where the answer says no time of its own. A date is read by the server's clock, where the server shows it.
  ///   - limit: The longest that is heeded.
  /// - Returns: nil where the answer does not say, or says it with a status for which it means nothing.
  static func delay(in response: HTTPClientResponse, now: Date, limit: Duration) -> Duration? {
    guard [429, 503].contains(response.status) || (300...399).contains(response.status),
      let text = response[header: "Retry-After"]
    else { return nil }
    return delay(text, now: response.date ?? now).map { min($0, limit) }
  }

  /// Reads seconds, or a date in any of HTTP's three forms. A date that is over is no delay.
  static func delay(_ text: String, now: Date) -> Duration? {
    // Some servers send fractions.
    if let match = text.wholeMatch(of: /([0-9]+)(\.[0-9]*)?/) {
      guard match.1.count <= 9, let seconds = Double(text) else { return .seconds(1_000_000_000) }
      return .milliseconds(Int64((seconds * 1000).rounded(.up)))
    }
    return date(text).map { .milliseconds(Int64(max(0, $0.timeIntervalSince(now)) * 1000)) }
  }

  private static func date(_ text: String) -> Date? {
    // C's `asctime` pads the day with a space.
    let text = text.replacing("  ", with: " ")
    return HTTPClientResponse.date(text) ?? obsoleteFormats.lazy.compactMap { try? Date(text, strategy: $0) }.first
  }

  private static let locale = Locale(identifier: "en_US_POSIX")
  /// `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`: a recipient must read them (RFC 9110, section 5.6.7).
  private static let obsoleteFormats = [
    Date.ParseStrategy(
      format: """
        \(weekday: .wide), \(day: .twoDigits)-\(month: .abbreviated)-\(year: .twoDigits) \
        \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) GMT
        """,
      locale: locale, timeZone: .gmt, isLenient: true, twoDigitStartDate: Date(timeIntervalSinceNow: -1_577_880_000)),
    Date.ParseStrategy(
      format: """
        \(weekday: .abbreviated) \(month: .abbreviated) \(day: .defaultDigits) \
        \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) \
        \(year: .defaultDigits)
        """,
      locale: locale, timeZone: .gmt),
  ]
}
