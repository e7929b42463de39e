import Foundation
import WorkerKit

/// An event as CloudEvents 1.0 has it: attributes, and the message's body as its data.
struct CloudEvent: Sendable {
  static let structuredType = "application/cloudevents+json; charset=UTF-8"

  /// In the order in which they are written.
  let attributes: [(name: String, value: String)]
  let data: [UInt8]

  init(_ event: RawEvent, id: String, context: HandlerContext) {
    data = event.body
    let queue = percentEncoded(context.queue) { byte in
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "-._~".utf8.contains(byte)
      }
    }
    var attributes = [(name: "specversion", value: "1.0"), (name: "id", value: id)]
    attributes.append((name: "source", value: "/queues/\(queue)"))
    attributes.append((name: "type", value: context.eventType))
    if let sentAt = context.sentAt { attributes.append((name: "time", value: sentAt.formatted(Self.time))) }
    self.attributes = attributes
  }

  /// RFC 3339, with the milliseconds that SQS tells.
  private static let time = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

  /// Binary mode: the attributes as headers, whose values are percent-encoded as the HTTP binding says (section 3.1.3.2).
  var headers: [(name: String, value: String)] {
    attributes.map { attribute in
      let value = percentEncoded(attribute.value) { byte in
        (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "\"")
      }
      return (name: "ce-\(attribute.name)", value: value)
    }
  }

  /// Structured mode: one JSON object. The data is the body byte for byte.
  var json: [UInt8] {
    var json: [UInt8] = Array("{".utf8)
    for (name, value) in attributes + [(name: "datacontenttype", value: "application/json")] {
      json += Array("\"\(name)\":\(Self.quoted(value)),".utf8)
    }
    json += Array(#""data":"#.utf8)
    return json + data + Array("}".utf8)
  }

  private static func quoted(_ text: String) -> String {
    let scalars = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"", "\\": "\\\(scalar)"
      case _ where scalar.value < 0x20: TerminalText.jsonEscape(scalar)
      default: String(scalar)
      }
    }
    return "\"\(scalars.joined())\""
  }
}
