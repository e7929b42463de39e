import Foundation
import WorkerKit

/// What the console keeps of a dead letter.
struct DeadLetterSummary: Sendable {
  var id: String
  var route: String
  var handler: String?
  /// nil for what the queue's redrive policy moved.
  var kind: String?
  var message: String
  /// The message without what differs between dead letters that are alike.
  var pattern: String
  var sent: Date?
  var receiveCount: Int
  var bytes: Int
  /// nil where there was no memory for it.
  var deadLetter: DeadLetter?

  init(_ deadLetter: DeadLetter) {
    id = deadLetter.id
    // A producer can make them as long as a message.
    route = TerminalText.line(deadLetter.route ?? DeadLetterFilter.none, limit: 200)
    handler = deadLetter.failure?.handler.map { TerminalText.line($0, limit: 200) }
    kind = deadLetter.kind.map { TerminalText.line($0, limit: 100) }
    message = TerminalText.line(
      deadLetter.failure?.message ?? "received too often; the reason is in the worker's log", limit: 300)
    pattern = MessagePattern.of(message)
    sent = deadLetter.message.sentAt
    receiveCount = deadLetter.message.receiveCount
    bytes = deadLetter.message.body.count
    self.deadLetter = deadLetter
  }

  var groupKey: String { DeadLetterGroup.key(route: route, kind: kind, pattern: pattern) }
}

/// What dead letters that are alike have in common.
enum MessagePattern {
  /// A message with an ellipsis for what is quoted, and for words with digits in them: ids, numbers, times.
  static func of(_ message: String) -> String {
    var result = ""
    var word = ""
    var quote: Character?
    func flush() {
      result += word.contains(where: \.isNumber) ? "…" : word
      word = ""
    }
    for character in message {
      if let open = quote {
        if character == open {
          result += "…\(character)"
          quote = nil
        }
      } else if character == "`" || character == "\"" {
        flush()
        result.append(character)
        quote = character
      } else if character.isLetter || character.isNumber || character == "-" || character == "_" {
        word.append(character)
      } else {
        flush()
        result.append(character)
      }
    }
    if quote != nil { result += "…" }
    flush()
    return result
  }
}

/// Dead letters with the same route, kind and pattern.
struct DeadLetterGroup: Sendable {
  /// In addresses.
  var key: String
  var route: String
  var handler: String?
  var kind: String?
  var pattern: String
  var count = 0
  var first: Date?
  var last: Date?

  static func key(route: String, kind: String?, pattern: String) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for text in [route, kind ?? "", pattern] {
      for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      hash = (hash ^ 0xff) &* 0x100_0000_01b3
    }
    return String(hash, radix: 36)
  }

  /// The largest first.
  static func all(of deadLetters: some Sequence<DeadLetterSummary>) -> [DeadLetterGroup] {
    var groups: [String: DeadLetterGroup] = [:]
    for deadLetter in deadLetters {
      let key = deadLetter.groupKey
      var group =
        groups[key]
        ?? DeadLetterGroup(
          key: key, route: deadLetter.route, handler: deadLetter.handler, kind: deadLetter.kind,
          pattern: deadLetter.pattern)
      group.count += 1
      if let sent = deadLetter.sent {
        group.first = min(group.first ?? sent, sent)
        group.last = max(group.last ?? sent, sent)
      }
      groups[key] = group
    }
    return groups.values.sorted { ($1.count, $0.key) < ($0.count, $1.key) }
  }
}
