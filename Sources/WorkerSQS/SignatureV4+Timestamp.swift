import Foundation

extension SignatureV4 {
  /// Formats a date such as `20150830T123600Z`. A date before 1970 or after 9999 is replaced by the nearest valid one.
  ///
  /// It uses arithmetic, because every request needs a timestamp: Foundation's formatting takes longer than the rest of
  /// a signature.
  static func timestamp(_ date: Date) -> String {
    let seconds = Int(exactly: date.timeIntervalSince1970.rounded(.down)) ?? 0
    let (days, time) = min(max(seconds, 0), lastSecond).quotientAndRemainder(dividingBy: 86_400)
    let (year, month, day) = civil(days)
    var text: [UInt8] = []
    text.reserveCapacity(16)
    for (value, digits) in [(year, 1000), (month, 10), (day, 10)] { append(value, from: digits, to: &text) }
    text.append(UInt8(ascii: "T"))
    for value in [time / 3600, time / 60 % 60, time % 60] { append(value, from: 10, to: &text) }
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }

  /// 9999-12-31T23:59:59Z.
  private static let lastSecond = 253_402_300_799

  private static func append(_ value: Int, from power: Int, to text: inout [UInt8]) {
    var power = power
    while power > 0 {
      text.append(UInt8(ascii: "0") + UInt8(value / power % 10))
      power /= 10
    }
  }

  /// Converts days since 1970 to a Gregorian date. Years start in March, so that a leap day is the last day of its
  /// year, and are counted in eras of 400 years of equal length.
  private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
    // Day 0 is 0000-03-01, 719,468 days before 1970.
    let (era, dayOfEra) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // Any five consecutive months that start in March or August have 153 days.
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
  }
}
