import Foundation

/// JSON with one spelling for one value, so that two events can be compared as text, and programs find the
/// same layout every time: one line, keys sorted, slashes as they are.
enum CanonicalJSON {
  static func text<Value: Encodable>(of value: Value) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// A string as it stands in such text.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    if text.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
      for scalar in text.unicodeScalars { quoted += escaped(scalar) }
    } else {
      quoted += text
    }
    quoted += "\""
    return quoted
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"": #"\""#
    case "\\": #"\\"#
    case "\u{8}": #"\b"#
    case "\t": #"\t"#
    case "\n": #"\n"#
    case "\u{C}": #"\f"#
    case "\r": #"\r"#
    case "\0"..."\u{F}": #"\u000"# + String(scalar.value, radix: 16)
    case "\u{10}"..."\u{1F}": #"\u00"# + String(scalar.value, radix: 16)
    default: String(scalar)
    }
  }
}
