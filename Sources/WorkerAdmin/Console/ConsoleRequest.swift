import Foundation
import Hummingbird
import NIOCore
import WorkerKit

/// A request that was let in.
struct ConsoleRequest: Sendable {
  let request: Request
  let visitor: Visitor
  let address: String
  /// Whether a link on another site led here. Then nothing is done that leaves a trace.
  let isLinked: Bool
  /// The parts of the path that the endpoint leaves open, by their names.
  let parameters: [String: String]
  let query: FormFields
  /// Of a form; empty for what changes nothing.
  let form: FormFields
  /// Of another body.
  let body: [UInt8]

  /// Whether the request may receive dead letters: SQS counts each receive.
  var mayReceive: Bool { visitor.mayAct && !isLinked }

  func json<Value: Decodable>(_ type: Value.Type) throws(ConsoleError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(body))
    } catch {
      throw .badRequest("The body must be JSON as /api/openapi.json describes it.")
    }
  }
}

/// The fields of a query or of a form, in their order.
struct FormFields: Sendable {
  private var fields: [(name: String, value: String)] = []

  init() {}

  /// - Parameter text: `a=1&b=2`, percent-encoded.
  init(_ text: some StringProtocol) {
    fields = text.split(separator: "&").prefix(200_000).map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (Self.decoded(parts[0]), parts.count > 1 ? Self.decoded(parts[1]) : "")
    }
  }

  /// The first value; nil where there is none, or an empty one.
  subscript(name: String) -> String? {
    fields.first { $0.name == name && !$0.value.isEmpty }?.value
  }

  func all(_ name: String) -> [String] {
    fields.filter { $0.name == name }.map(\.value)
  }

  var dictionary: [String: String] {
    Dictionary(fields.map { ($0.name, $0.value) }) { first, _ in first }
  }

  private static func decoded(_ text: some StringProtocol) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(2)
      if byte == UInt8(ascii: "+") {
        bytes.append(UInt8(ascii: " "))
      } else if byte == UInt8(ascii: "%"), digits.count == 2,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
