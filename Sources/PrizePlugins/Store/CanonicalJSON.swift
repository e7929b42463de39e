import Foundation

/// JSON with one spelling for one value, so that two events can be compared as text, and programs find the
/// same layout every time: one line, keys sorted, slashes as they are.
enum CanonicalJSON {
  static func text<Value: Encodable>(of value: Value) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
