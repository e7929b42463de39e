import Foundation

@testable import WorkerKit

/// A type that events can contain, and the result of decoding it: with the worker's own decoder, and with Foundation.
struct JSONSample {
  /// Distinguishes values that are equal in Swift: the bytes of strings, the sign of zero.
  enum Outcome: Equatable {
    case value(String)
    case refused
  }

  let name: String
  let ours: (JSONDocument) -> Outcome
  let foundations: ([UInt8]) -> Outcome

  init<Value: Decodable>(_ type: Value.Type) {
    name = "\(type)"
    ours = { document in
      Self.outcome { try JSONValueDecoder(document).decode(type) }
    }
    foundations = { bytes in
      Self.outcome {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom(EventDecoder.date)
        return try decoder.decode(type, from: Data(bytes))
      }
    }
  }

  private static func outcome<Value>(_ decode: () throws -> Value) -> Outcome {
    (try? decode()).map { .value(render($0)) } ?? .refused
  }

  static func render(_ value: Any) -> String {
    switch value {
    case let value as String: return value.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
    case let value as Double: return "Double \(value.bitPattern)"
    case let value as Float: return "Float \(value.bitPattern)"
    case let value as Data: return "Data \(Array(value))"
    case let value as Decimal: return "Decimal \(value)"
    case let value as Date: return "Date \(value.timeIntervalSinceReferenceDate.bitPattern)"
    case let value as URL: return "URL \(value.absoluteString)"
    case let value as [String: Any]:
      return "\(value.map { "\(render($0.key)): \(render($0.value))" }.sorted())"
    default:
      let mirror = Mirror(reflecting: value)
      guard !mirror.children.isEmpty else { return "\(value)" }
      let children = mirror.children.map { "\($0.label ?? ""): \(render($0.value))" }
      let hasNoOrder = mirror.displayStyle == .set || mirror.displayStyle == .dictionary
      return "\(type(of: value))(\((hasNoOrder ? children.sorted() : children).joined(separator: ", ")))"
    }
  }

  static var all: [JSONSample] {
    [
      JSONSample(Everything.self), JSONSample(Optionals.self), JSONSample(Manual.self), JSONSample(Nested.self),
      JSONSample(Tree.self), JSONSample([String: Tree].self), JSONSample([Tree].self), JSONSample(Attempts.self),
      JSONSample(Child.self), JSONSample(Skipping.self), JSONSample(Paths.self),
      JSONSample([String: Int].self), JSONSample([String: Double?].self), JSONSample([String].self),
      JSONSample([Double].self), JSONSample([Int?].self), JSONSample([Wrapped].self), JSONSample(Wrapped?.self),
      JSONSample([Date].self), JSONSample([Tier: Int].self), JSONSample(String.self), JSONSample(Bool.self),
      JSONSample(Double?.self), JSONSample(Numbers.self), JSONSample(Foundations.self), JSONSample(URL?.self),
      JSONSample(Data.self), JSONSample(Decimal.self), JSONSample([Set<Int>].self), JSONSample(Gathered.self),
    ]
  }
}
