import Foundation

/// A day of the calendar, in UTC: `2026-11-28`.
struct ReportDay: Hashable, Sendable {
  static let expected = "must be a day such as 2026-11-28"

  /// Days are in order where their texts are.
  let text: String

  /// nil where there is no such day.
  init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2], text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || 48...57 ~= $0 }) else {
      return nil
    }
    let numbers = parts.compactMap { Int(String(decoding: $0, as: UTF8.self)) }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let components = DateComponents(calendar: calendar, year: numbers[0], month: numbers[1], day: numbers[2])
    guard numbers[0] > 0, components.isValidDate else { return nil }
    self.text = text
  }
}
