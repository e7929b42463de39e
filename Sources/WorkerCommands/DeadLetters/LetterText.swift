import Foundation
import WorkerKit

/// Letters for people to read.
enum LetterText {
  static func table(_ letters: [DeadLetter], now: Date) -> String {
    WorkerCommands.table(
      ["ID", "AGE", "ROUTE", "KIND", "WHY"],
      letters.sorted { ($0.message.sentAt ?? .distantPast) < ($1.message.sentAt ?? .distantPast) }.map { letter in
        [
          letter.id, age(letter.age(at: now)), oneLine(letter.route, to: 40), letter.kind ?? DeadLetterFilter.none,
          letter.failure.map { oneLine($0.message, to: 100) } ?? movedByPolicy(letter),
        ]
      })
  }

  /// Everything of one letter.
  static func page(_ letter: DeadLetter, now: Date) -> String {
    let message = letter.message
    var rows = [
      ("letter", letter.id), ("first message", letter.originalMessageID), ("known by", letter.idempotencyKey),
      ("eventType", oneLine(letter.eventType, to: 200)), ("sent", moment(message.sentAt, now)),
      ("received", "\(message.receiveCount) times, first \(moment(message.firstReceivedAt, now))"),
    ]
    if let group = message.groupID { rows.append(("group", group)) }
    if let id = message.deduplicationID { rows.append(("deduplication id", id)) }
    if let header = message.traceHeader { rows.append(("X-Ray trace", header)) }
    rows += letter.failure.map(rowsOf) ?? [("why", movedByPolicy(letter))]
    if let earlier = letter.earlierFailure, let redriven = earlier.redriven {
      rows.append(("redriven", "\(redriven); before that:"))
      rows += rowsOf(earlier)
    }
    let attributes = message.attributes.sorted { $0.key < $1.key }.map { name, attribute in
      let value =
        switch attribute.value {
        case .string(let text): printable(text)
        case .binary(let bytes): "\(Data(bytes).base64EncodedString()) (base64)"
        }
      return "  \(name) (\(attribute.dataType)): \(value)"
    }
    let width = rows.map(\.0.count).max() ?? 0
    let lines =
      rows.map { "\($0.0.padding(toLength: width, withPad: " ", startingAt: 0))  \(printable($0.1))" }
      + (attributes.isEmpty ? ["", "No attributes."] : ["", "Attributes:"] + attributes)
      + [
        "", "Body, \(counted(message.body.count, "byte")):",
        letter.text.map(printable) ?? "\(Data(message.body).base64EncodedString()) (base64: it is no UTF-8)",
      ]
    return lines.joined(separator: "\n")
  }

  /// What became of letters, one a line.
  static func table(_ outcomes: [LetterOutcome]) -> String {
    WorkerCommands.table(
      ["OUTCOME", "ID", "ROUTE", "KIND", ""],
      outcomes.map {
        let result = ResultRecord($0.result)
        return [
          result.outcome, $0.id, oneLine($0.route, to: 40), $0.kind ?? DeadLetterFilter.none, result.reason ?? "",
        ]
      })
  }

  private static func rowsOf(_ failure: WorkerFailure) -> [(String, String)] {
    let rows: [(String, String?)] = [
      ("kind", failure.kind), ("why", failure.message), ("field", failure.field), ("what came", failure.received),
      ("route", failure.route), ("handler", failure.handler), ("trace", failure.traceId),
    ]
    return rows.compactMap { name, value in value.map { (name, $0) } }
  }

  private static func movedByPolicy(_ letter: DeadLetter) -> String {
    letter.earlierFailure == nil
      ? "received too often; see the worker's log"
      : "received too often after a redrive; see the worker's log"
  }

  private static func moment(_ date: Date?, _ now: Date) -> String {
    date.map { "\($0.formatted(.iso8601)) (\(age(now.timeIntervalSince($0))) ago)" } ?? "at an unknown time"
  }

  /// In the largest unit of which there are two: `40s`, `119m`, `3d`.
  static func age(_ interval: TimeInterval?) -> String {
    guard let interval else { return "?" }
    let seconds = Int(max(0, interval))
    let units = [(86_400, "d"), (3600, "h"), (60, "m")]
    let unit = units.first { seconds >= 2 * $0.0 } ?? (1, "s")
    return "\(seconds / unit.0)\(unit.1)"
  }

  private static func oneLine(_ text: String?, to limit: Int) -> String {
    text.map { EventDecoder.oneLine($0, to: limit) } ?? DeadLetterFilter.none
  }

  /// Without what a terminal would take for commands.
  private static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          let isCommand = scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
          return isCommand ? "\u{FFFD}" : scalar
        }))
  }
}
