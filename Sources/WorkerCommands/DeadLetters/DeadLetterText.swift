import Foundation
import WorkerKit

/// Formats dead letters for people.
enum DeadLetterText {
  /// The data of a table row, without the body.
  struct Row: Sendable {
    fileprivate let sentAt: Date
    fileprivate let cells: [String]

    init(_ deadLetter: DeadLetter, now: Date) {
      sentAt = deadLetter.message.sentAt ?? .distantPast
      cells = [
        deadLetter.id, firstID(deadLetter.originalMessageID, of: deadLetter.id, isClaimed: deadLetter.isFirstIDClaimed),
        age(deadLetter.age(at: now)), short(deadLetter.route), short(deadLetter.kind),
        deadLetter.failure.map(why) ?? movedByPolicy,
      ]
    }
  }

  static func table(_ rows: [Row]) -> String {
    WorkerCommands.table(
      ["ID", "FIRST ID", "AGE", "ROUTE", "KIND", "WHY"], rows.sorted { $0.sentAt < $1.sentAt }.map(\.cells))
  }

  /// All properties of a dead letter. The body comes last, because it may contain line breaks.
  static func page(_ deadLetter: DeadLetter, now: Date) -> String {
    let message = deadLetter.message
    var rows = [
      ("dead letter", deadLetter.id),
      ("first message", deadLetter.originalMessageID + claim(deadLetter.isFirstIDClaimed)),
      ("known by", deadLetter.idempotencyKey + claim(isKeyClaimed(deadLetter))),
      ("from queue", deadLetter.queue.map { $0 + claim(deadLetter.isQueueClaimed) } ?? "unknown"),
      ("eventType", deadLetter.eventType ?? DeadLetterFilter.none),
      ("sent", moment(message.sentAt, now)),
      ("received", "\(message.receiveCount) times, first \(moment(message.firstReceivedAt, now))"),
    ]
    if let group = message.groupID { rows.append(("group", group)) }
    if let id = message.deduplicationID { rows.append(("deduplication id", id)) }
    if let header = message.traceHeader { rows.append(("X-Ray trace", header)) }
    rows += deadLetter.failure.map(rowsOf) ?? [("why", movedByPolicy)]
    if let claim = deadLetter.claimedFailure {
      rows.append(
        ("claim", "the message brought a failure along: from before it was redriven, or made up by its producer"))
      rows += rowsOf(claim).map { ("claimed \($0.0)", $0.1) }
    }
    let attributes = message.attributes.sorted { $0.key < $1.key }.map { name, attribute in
      let value =
        switch attribute.value {
        case .string(let text): text
        case .binary(let bytes): "\(Data(bytes).base64EncodedString()) (base64)"
        }
      return TerminalText.line("  \(name) (\(attribute.dataType)): \(value)")
    }
    let width = rows.map(\.0.count).max() ?? 0
    let lines =
      rows.map {
        "\($0.0.padding(toLength: width, withPad: " ", startingAt: 0))  \(TerminalText.line($0.1, limit: longestRow))"
      }
      + (attributes.isEmpty ? ["", "No attributes."] : ["", "Attributes:"] + attributes)
      + [
        "", "Body, \(counted(message.body.count, "byte")):",
        deadLetter.text ?? "\(Data(message.body).base64EncodedString()) (base64: it is no UTF-8)",
      ]
    return lines.joined(separator: "\n")
  }

  /// The outcomes of dead letters, one on each line.
  static func table(_ outcomes: [DeadLetterOutcome]) -> String {
    WorkerCommands.table(
      ["OUTCOME", "ID", "FIRST ID", "ROUTE", "KIND", ""],
      outcomes.map {
        let result = ResultRecord($0.result)
        let first = firstID($0.originalMessageID, of: $0.id, isClaimed: $0.isFirstIDClaimed)
        let reason =
          result.reason ?? $0.prospect.map { "it will fail again: \(TerminalText.shortenedInside($0, to: 160))" }
        return [result.outcome, $0.id, first, short($0.route), short($0.kind), reason ?? ""]
      })
  }

  private static let longestRow = 2_000

  /// The original message id, which the log contains. It differs from the dead letter's id if the worker sent the dead
  /// letter.
  private static func firstID(_ first: String, of id: String, isClaimed: Bool) -> String {
    first == id ? DeadLetterFilter.none : first + (isClaimed ? " (claimed)" : "")
  }

  private static func claim(_ isClaimed: Bool) -> String { isClaimed ? ", as the message claims" : "" }

  /// Whether the idempotency key is an unverified claim. A producer's key is marked as such by its prefix.
  private static func isKeyClaimed(_ deadLetter: DeadLetter) -> Bool {
    deadLetter.isFirstIDClaimed && deadLetter.idempotencyKey == "message:\(deadLetter.originalMessageID)"
  }

  private static func why(_ failure: WorkerFailure) -> String {
    TerminalText.shortenedInside(failure.message, to: 160)
      + (failure.received.map { ": \(TerminalText.shortened($0, to: 40))" } ?? "")
  }

  private static func rowsOf(_ failure: WorkerFailure) -> [(String, String)] {
    let rows: [(String, String?)] = [
      ("kind", failure.kind), ("why", failure.message), ("field", failure.field), ("what came", failure.received),
      ("route", failure.route), ("handler", failure.handler), ("trace", failure.traceId),
      ("redriven", failure.redriven),
    ]
    // A single one is the failure itself.
    let attempts = failure.attempts.flatMap { $0.count > 1 ? $0 : nil } ?? []
    return rows.compactMap { name, value in value.map { (name, $0) } }
      + attempts.map { ("attempt", "\($0.at), \($0.kind): \($0.message)") }
  }

  private static let movedByPolicy = "received too often; see the worker's log"

  private static func moment(_ date: Date?, _ now: Date) -> String {
    date.map { "\($0.formatted(.iso8601)) (\(age(now.timeIntervalSince($0))) ago)" } ?? "at an unknown time"
  }

  /// The age in the largest unit of which there are at least two: `40s`, `119m`, `3d`.
  static func age(_ interval: TimeInterval?) -> String {
    guard let interval else { return "?" }
    let seconds = Int(max(0, interval))
    let units = [(86_400, "d"), (3600, "h"), (60, "m")]
    let unit = units.first { seconds >= 2 * $0.0 } ?? (1, "s")
    return "\(seconds / unit.0)\(unit.1)"
  }

  /// A short text, in quotes if it could be mistaken for several columns.
  private static func short(_ text: String?) -> String {
    guard let text else { return DeadLetterFilter.none }
    let short = TerminalText.shortened(text, to: 40)
    return short.contains(where: \.isWhitespace) ? "\"\(short)\"" : short
  }
}
