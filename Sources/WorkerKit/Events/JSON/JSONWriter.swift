/// Writes JSON as bytes.
///
///     var json = JSONWriter()
///     json.object {
///       $0.member("QueueUrl", url)
///       $0.member("MaxNumberOfMessages", 10)
///     }
///
/// Requests are written by this rather than by Foundation's encoder, which takes many times as long.
package struct JSONWriter {
  package private(set) var bytes: [UInt8] = []
  /// Whether a comma comes before the next member or element.
  private var needsComma = false

  package init() {}

  package mutating func object(_ members: (inout JSONWriter) -> Void) {
    enclose("{", "}", members)
  }

  /// The caller writes each element: a generic loop here would not be specialized for other modules.
  package mutating func array(_ elements: (inout JSONWriter) -> Void) {
    enclose("[", "]", elements)
  }

  /// A member's name, before its value.
  package mutating func name(_ name: String) {
    write(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  package mutating func write(_ number: Int) {
    separate()
    bytes.append(contentsOf: String(number).utf8)
  }

  package mutating func write(_ text: String) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { utf8 in
      var start = 0
      while true {
        let end = JSONText.endOfPlain(utf8.span, from: start)
        bytes.append(contentsOf: utf8[start..<end])
        guard end < utf8.count else { return }
        escape(utf8[end])
        start = end + 1
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func enclose(
    _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, _ content: (inout JSONWriter) -> Void
  ) {
    separate()
    bytes.append(UInt8(ascii: opening))
    needsComma = false
    content(&self)
    bytes.append(UInt8(ascii: closing))
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func escape(_ byte: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
    default:
      bytes.append(contentsOf: "u00".utf8)
      bytes.append(hexadecimal: CollectionOfOne(byte))
    }
  }
}

extension JSONWriter {
  package mutating func member(_ name: String, _ text: String) {
    self.name(name)
    write(text)
  }

  package mutating func member(_ name: String, _ number: Int) {
    self.name(name)
    write(number)
  }

  /// Nothing where the value is nil.
  package mutating func member(_ name: String, _ text: String?) {
    if let text { member(name, text) }
  }

  package mutating func member(_ name: String, _ texts: [String]) {
    self.name(name)
    array { json in for text in texts { json.write(text) } }
  }
}
