package import Foundation

extension HTTPResponse {
  /// The time of day where the answer was made, to the second; nil where it does not say.
  package var date: Date? {
    self[header: "Date"].flatMap(Self.date)
  }

  /// Reads a date as headers write it: `Sun, 06 Nov 1994 08:49:37 GMT`.
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
