import Foundation
import Tracing
import WorkerKit

/// An event as a program is told of it.
struct ProcessRequest: Encodable {
  /// Of this attempt: no other that a worker has in flight has the same.
  var id: String
  var eventType: String
  var idempotencyKey: String
  var receiveCount: Int
  var traceparent: String?
  /// When the worker stops waiting, in ISO 8601.
  var deadline: String?

  init(id: String, _ context: HandlerContext) {
    self.id = id
    eventType = context.eventType
    idempotencyKey = context.idempotencyKey
    receiveCount = context.receiveCount
    traceparent = Self.traceparent(context)
    deadline = context.deadline?.formatted(.iso8601WithFractions)
  }

  /// The span's, or the producer's where no tracer is at work.
  private static func traceparent(_ context: HandlerContext) -> String? {
    struct Fields: Injector {
      func inject(_ value: String, forKey key: String, into fields: inout [String: String]) { fields[key] = value }
    }
    var fields: [String: String] = [:]
    if let current = ServiceContext.current {
      InstrumentationSystem.instrument.inject(current, into: &fields, using: Fields())
    }
    let parent = fields["traceparent"] ?? context.attributes["traceparent"]?.stringValue
    return parent.flatMap {
      $0.wholeMatch(of: /[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}[!-~]{0,400}/) == nil ? nil : $0
    }
  }

  /// The environment variables of a process that handles this event alone.
  var variables: [String: String] {
    var variables = [
      "EVENT_ID": id, "EVENT_TYPE": eventType, "EVENT_IDEMPOTENCY_KEY": idempotencyKey,
      "EVENT_RECEIVE_COUNT": "\(receiveCount)",
    ]
    variables["EVENT_DEADLINE"] = deadline
    variables["TRACEPARENT"] = traceparent
    // A variable ends at a NUL.
    return variables.mapValues { $0.replacing("\0", with: "\u{FFFD}") }
  }

  /// One line of JSON, with the event's body as it came but for white space.
  func line(body: [UInt8]) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var line = try Array(encoder.encode(self))
    line.removeLast()
    line += Array(#","body":"#.utf8)
    line += body
    line.append(UInt8(ascii: "}"))
    line = Self.onOneLine(line)
    line.append(UInt8(ascii: "\n"))
    return line
  }

  /// JSON has line breaks of its own only between values. What others take for one can stand in a text: Node's readline
  /// splits at U+2028 and U+2029, and Python's splitlines at U+0085 as well.
  private static func onOneLine(_ json: [UInt8]) -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(json.count + 1)
    var index = 0
    while index < json.count {
      switch json[index] {
      case 0x0A, 0x0D: line.append(0x20)
      case 0xC2 where index + 1 < json.count && json[index + 1] == 0x85:
        line += Array(#"\u0085"#.utf8)
        index += 1
      case 0xE2 where index + 2 < json.count && json[index + 1] == 0x80 && json[index + 2] & 0xFE == 0xA8:
        line += Array((json[index + 2] == 0xA8 ? #"\u2028"# : #"\u2029"#).utf8)
        index += 2
      default: line.append(json[index])
      }
      index += 1
    }
    return line
  }
}

extension FormatStyle where Self == Date.ISO8601FormatStyle {
  static var iso8601WithFractions: Date.ISO8601FormatStyle { .init(includingFractionalSeconds: true) }
}
