import Foundation
import Logging
import WorkerKit

/// Formats log entries for people: the time of day, the level, the message, and its metadata as `key=value`.
///
///     15:22:03 warning  event failed; a retry cannot help  queue=prizes route=ITEM_AWARDED kind=notFound
///
/// An entry is always one line: control characters and marks that change the writing direction are escaped, so that
/// input can neither forge a line nor control the terminal.
package struct ConsoleFormat: LogFormat {
  /// The metadata keys that come first: identification of the message, then the error. Other keys follow in
  /// alphabetical order.
  private static let order = ["queue", "route", "messageId", "attempt", "plugin", "kind", "error", "field", "causes"]

  package var isColoured: Bool

  package init(isColoured: Bool) {
    self.isColoured = isColoured
  }

  package func line(_ entry: LogEntry) -> String {
    let level = "\(entry.level)".padding(toLength: 8, withPad: " ", startingAt: 0)
    var line = "\(Self.timeOfDay(entry.time)) \(coloured(level, Self.colour(of: entry.level))) "
    line += TerminalText.line(entry.message)
    let keys = entry.metadata.keys.sorted { (Self.rank($0), $0) < (Self.rank($1), $1) }
    var pairs = keys.compactMap { key in entry.metadata[key].map { (TerminalText.line(key), Self.text($0)) } }
    if let source = entry.source { pairs.append(("source", Self.quotedIfNeeded(source))) }
    if !pairs.isEmpty {
      line += "  " + pairs.map { "\(coloured("\($0)=", "2"))\($1)" }.joined(separator: " ")
    }
    return line
  }

  private static func text(_ value: Logger.MetadataValue) -> String {
    switch value {
    case .string(let text): quotedIfNeeded(text)
    case .stringConvertible(let value): quotedIfNeeded("\(value)")
    case .array, .dictionary: TerminalText.line(JSONFormat.json(value))
    }
  }

  private static func quotedIfNeeded(_ text: String) -> String {
    // Compared by scalars: a quotation mark with a combining mark is another character, but looks the same.
    let scalars = text.unicodeScalars
    let isPlain =
      !text.isEmpty && !scalars.contains { $0.properties.isWhitespace || "\"=\\".unicodeScalars.contains($0) }
    guard !isPlain else { return TerminalText.line(text) }
    var escaped = String.UnicodeScalarView()
    for scalar in scalars {
      if scalar == "\"" || scalar == "\\" { escaped.append("\\") }
      escaped.append(scalar)
    }
    return "\"\(TerminalText.line(String(escaped)))\""
  }

  private static func rank(_ key: String) -> Int { order.firstIndex(of: key) ?? order.count }

  private static func timeOfDay(_ seconds: Double) -> String {
    var time = time_t(seconds)
    var parts = tm()
    localtime_r(&time, &parts)
    return [parts.tm_hour, parts.tm_min, parts.tm_sec].map { twoDigits(Int($0)) }.joined(separator: ":")
  }

  private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// The codes of ECMA-48's SGR.
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
