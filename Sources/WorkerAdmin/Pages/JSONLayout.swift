import Foundation

/// JSON over several lines, with every character of its values as it was written: numbers are not read.
enum JSONLayout {
  /// Longer texts are not for people. A body of 1 MiB with one short element per line, 50 deep, would become 100 MiB.
  private static let limit = 4 << 20

  /// - Returns: nil if the text is not JSON, or if it would be longer than 4 MiB.
  static func indented(_ text: String) -> String? {
    guard text.utf8.count <= 2 << 20, let first = text.first(where: { !$0.isWhitespace }), "{[".contains(first),
      (try? JSONSerialization.jsonObject(with: Data(text.utf8))) != nil
    else { return nil }
    var result: [UInt8] = []
    var depth = 0
    var isInString = false
    var isEscaped = false
    let bytes = Array(text.utf8)
    func next(after index: Int) -> UInt8? { bytes[(index + 1)...].first { !Self.isBlank($0) } }
    func newLine() {
      result.append(UInt8(ascii: "\n"))
      result.append(contentsOf: repeatElement(UInt8(ascii: " "), count: min(depth, 50) * 2))
    }
    var skipsClosing = false
    for (index, byte) in bytes.enumerated() {
      guard result.count <= limit else { return nil }
      if isInString {
        result.append(byte)
        isInString = byte != UInt8(ascii: "\"") || isEscaped
        isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        continue
      }
      switch byte {
      case _ where isBlank(byte): continue
      case UInt8(ascii: "\""):
        isInString = true
        result.append(byte)
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        result.append(byte)
        if let closing = next(after: index), [UInt8(ascii: "}"), UInt8(ascii: "]")].contains(closing) {
          skipsClosing = true
        } else {
          depth += 1
          newLine()
        }
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if !skipsClosing {
          depth -= 1
          newLine()
        }
        skipsClosing = false
        result.append(byte)
      case UInt8(ascii: ","):
        result.append(byte)
        newLine()
      case UInt8(ascii: ":"):
        result += [byte, UInt8(ascii: " ")]
      default:
        result.append(byte)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }
}
