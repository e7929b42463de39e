package import Foundation

extension HTTPClientResponse {
  /// The server's time of day in the `Date` header, to the second; nil if there is none.
  package var date: Date? {
    self[header: "Date"].flatMap(Self.date)
  }

  /// Parses a date in the format of headers: `Sun, 06 Nov 1994 08:49:37 GMT`.
  package static func date(_ text: String) -> Date? {
    try? Date(text, strategy: dateFormat)
  }

  private static let dateFormat = Date.ParseStrategy(
    format: """
      \(weekday: .abbreviated), \(day: .twoDigits) \(month: .abbreviated) \(year: .defaultDigits) \
      \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) GMT
      """,
    locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt)
}
