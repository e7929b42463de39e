import Foundation
import Logging
import WorkerKit

/// Formats log entries for programs: a JSON object on each line.
///
///     {"time":"2026-11-24T15:22:03.120Z","level":"info","logger":"worker.consumer","message":"event handled",
///      "trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","metadata":{"queue":"prizes","attempt":"1"}}
///
/// The actual output is one line. `trace_id`, `span_id` and `source` are present if known; the other keys are always
/// present.
package struct JSONFormat: LogFormat {
  /// The keys that OpenTelemetry expects at the top level.
  private static let traceKeys = ["trace_id", "span_id"]

  package init() {}

  package func line(_ entry: LogEntry) -> String {
    var metadata = entry.metadata
    var parts = [
      ("time", Self.timestamp(entry.time)), ("level", "\(entry.level)"), ("logger", entry.label),
      ("message", entry.message),
    ]
    for key in Self.traceKeys {
      if let value = metadata.removeValue(forKey: key) { parts.append((key, "\(value)")) }
    }
    if let source = entry.source { parts.append(("source", source)) }
    let members = parts.map { "\(Self.quoted($0)):\(Self.quoted($1))" }
    return "{\(members.joined(separator: ",")),\"metadata\":\(Self.json(.dictionary(metadata)))}"
  }

  static func json(_ value: Logger.MetadataValue) -> String {
    switch value {
    case .string(let text): return quoted(text)
    case .stringConvertible(let value): return quoted("\(value)")
    case .array(let elements): return "[\(elements.map(json).joined(separator: ","))]"
    case .dictionary(let members):
      let members = members.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(json($0.value))" }
      return "{\(members.joined(separator: ","))}"
    }
  }

  /// A JSON string. It also escapes characters that some readers interpret as line ends, or terminals as control
  /// characters.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += #"\""#
      case "\\": result += #"\\"#
      case "\n": result += #"\n"#
      case "\r": result += #"\r"#
      case "\t": result += #"\t"#
      case _ where TerminalText.isUnprintable(scalar): result += TerminalText.jsonEscape(scalar)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// The time in ISO 8601 with milliseconds, in UTC.
  private static func timestamp(_ seconds: Double) -> String {
    Date(timeIntervalSince1970: seconds).formatted(
      .iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
  }
}
