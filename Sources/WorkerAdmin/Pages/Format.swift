import Foundation
import WorkerKit

/// Values as people read them.
enum Format {
  /// 1234567 as 1,234,567.
  static func number(_ value: Int) -> String {
    var digits = String(value.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.append(String(digits.suffix(3)))
      digits.removeLast(3)
    }
    return (value < 0 ? "-" : "") + ([digits] + groups.reversed()).joined(separator: ",")
  }

  static func number(_ value: Int?) -> String { value.map { number($0) } ?? "–" }

  static func rate(_ value: Double) -> String {
    value >= 100 ? number(Int(value.rounded())) : fixed(value, value >= 10 || value == 0 ? 0 : 1)
  }

  static func share(_ value: Double?) -> String {
    value.map { $0 == 0 ? "0 %" : $0 < 0.001 ? "< 0.1 %" : "\(fixed($0 * 100, $0 < 0.1 ? 1 : 0)) %" } ?? "–"
  }

  static func duration(_ duration: Duration) -> String {
    let milliseconds = duration.inSeconds * 1000
    switch milliseconds {
    case ..<1: return "\(fixed(milliseconds, 2)) ms"
    case ..<10: return "\(fixed(milliseconds, 1)) ms"
    case ..<1000: return "\(Int(milliseconds.rounded())) ms"
    case ..<60_000: return "\(fixed(milliseconds / 1000, 1)) s"
    default: return age(milliseconds / 1000)
    }
  }

  static func age(_ seconds: Double?) -> String {
    guard let seconds else { return "–" }
    switch max(0, seconds) {
    case ..<1: return "< 1 s"
    case ..<120: return "\(Int(seconds)) s"
    case ..<7200: return "\(Int(seconds / 60)) min"
    case ..<172_800: return "\(Int(seconds / 3600)) h"
    default: return "\(Int(seconds / 86_400)) days"
    }
  }

  static func bytes(_ count: Int) -> String {
    count < 1024
      ? "\(count) B"
      : count < 1 << 20 ? "\(fixed(Double(count) / 1024, 1)) KiB" : "\(fixed(Double(count) / 1_048_576, 1)) MiB"
  }

  /// `21:45:12`, in UTC.
  static func clock(_ date: Date) -> String { String(iso(date).dropFirst(11).dropLast()) }

  /// `2026-11-28 21:45:12`, in UTC.
  static func time(_ date: Date) -> String { iso(date).replacing("T", with: " ").replacing("Z", with: "") }

  /// - Parameter text: ISO 8601, where it is what it claims to be.
  static func time(iso text: String) -> String { (try? Date(text, strategy: .iso8601)).map { time($0) } ?? text }

  static func iso(_ date: Date) -> String { date.formatted(.iso8601) }

  static func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

  /// What a message, a file or a plugin says, so that nothing in it is hidden: on one line.
  static func line(_ text: String, limit: Int = 500) -> String { TerminalText.line(text, limit: limit) }
}
