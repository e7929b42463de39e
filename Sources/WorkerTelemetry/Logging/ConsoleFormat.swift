import Foundation
import Logging

/// For people: the time of day, the level, the message, and what belongs to it as `key=value`.
///
///     15:22:03 warning  event failed, and another try cannot help  queue=prizes route=ITEM_AWARDED kind=notFound
///
/// A line stays a line, whatever it holds: control characters and the marks that turn writing around are shown by number,
/// so that nothing from outside can forge a line or talk to the terminal.
package struct ConsoleFormat: LogFormat {
  /// What identifies a message first, and what went wrong after it; the rest by the alphabet.
  private static let order = ["queue", "route", "messageId", "attempt", "plugin", "kind", "error", "field", "causes"]

  package var isColoured: Bool

  package init(isColoured: Bool) {
    self.isColoured = isColoured
  }

  package func line(_ entry: LogEntry) -> String {
    let level = "\(entry.level)".padding(toLength: 8, withPad: " ", startingAt: 0)
    var line = "\(Self.timeOfDay(entry.time)) \(coloured(level, Self.colour(of: entry.level))) "
    line += Self.onOneLine(entry.message)
    let keys = entry.metadata.keys.sorted { (Self.rank($0), $0) < (Self.rank($1), $1) }
    var pairs = keys.compactMap { key in entry.metadata[key].map { (Self.onOneLine(key), Self.text($0)) } }
    if let source = entry.source { pairs.append(("source", Self.quotedIfNeeded(source))) }
    if !pairs.isEmpty {
      line += "  " + pairs.map { "\(coloured("\($0)=", "2"))\($1)" }.joined(separator: " ")
    }
    return line
  }

  /// Shows what would end a line or steer a terminal.
  package static func onOneLine(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isUnprintable) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += #"\n"#
      case "\r": result += #"\r"#
      case "\t": result += #"\t"#
      case _ where isUnprintable(scalar): result += #"\u{\#(String(scalar.value, radix: 16))}"#
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    // Joins emoji to one another.
    case 0x200D: false
    // Format: marks of the writing's direction, and what has no width.
    default: [.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
    }
  }

  private static func text(_ value: Logger.MetadataValue) -> String {
    switch value {
    case .string(let text): quotedIfNeeded(text)
    case .stringConvertible(let value): quotedIfNeeded("\(value)")
    case .array, .dictionary: onOneLine(JSONFormat.json(value))
    }
  }

  private static func quotedIfNeeded(_ text: String) -> String {
    // Scalar by scalar: with a mark that joins it, a quotation mark is another character, and looks the same.
    let scalars = text.unicodeScalars
    let isPlain =
      !text.isEmpty && !scalars.contains { $0.properties.isWhitespace || "\"=\\".unicodeScalars.contains($0) }
    guard !isPlain else { return onOneLine(text) }
    var escaped = String.UnicodeScalarView()
    for scalar in scalars {
      if scalar == "\"" || scalar == "\\" { escaped.append("\\") }
      escaped.append(scalar)
    }
    return "\"\(onOneLine(String(escaped)))\""
  }

  private static func rank(_ key: String) -> Int { order.firstIndex(of: key) ?? order.count }

  private static func timeOfDay(_ seconds: Double) -> String {
    var time = time_t(seconds)
    var parts = tm()
    localtime_r(&time, &parts)
    return [parts.tm_hour, parts.tm_min, parts.tm_sec].map { twoDigits(Int($0)) }.joined(separator: ":")
  }

  private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// As in ECMA-48's SGR.
  private static func colour(of level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: "2"
    case .info: "32"
    case .notice: "36"
    case .warning: "33"
    case .error: "31"
    case .critical: "1;31"
    }
  }

  private func coloured(_ text: String, _ colour: String) -> String {
    isColoured ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text
  }
}
