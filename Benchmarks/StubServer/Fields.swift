/// Finds the fields of a request in its bytes, and copies nothing.
enum Fields {
  /// Every member of every object, however deep. The value of a text is what is between its quotation marks, escapes and
  /// all; that of an object or an array is empty.
  static func forEach(inJSON bytes: Bytes, _ visit: (_ name: Bytes, _ value: Bytes) -> Void) {
    var offset = 0
    while let open = bytes.first("\"", from: offset), let close = endOfText(bytes, from: open + 1) {
      offset = skipSpace(bytes, from: close + 1)
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: ":") else { continue }
      offset = skipSpace(bytes, from: offset + 1)
      guard offset < bytes.count else { return }
      let name = bytes.part(open + 1..<close)
      switch bytes[offset] {
      case UInt8(ascii: "\""):
        guard let end = endOfText(bytes, from: offset + 1) else { return }
        visit(name, bytes.part(offset + 1..<end))
        offset = end + 1
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        visit(name, bytes.part(offset..<offset))
        offset += 1
      default:
        let end = bytes[offset...].firstIndex { !isLiteral($0) } ?? bytes.count
        visit(name, bytes.part(offset..<end))
        offset = end
      }
    }
  }

  /// Every parameter, as it is encoded. The name is what is behind its last number: `Id` of
  /// `DeleteMessageBatchRequestEntry.1.Id`.
  static func forEach(inForm bytes: Bytes, _ visit: (_ name: Bytes, _ value: Bytes) -> Void) {
    var offset = 0
    while offset < bytes.count {
      let end = bytes.first("&", from: offset) ?? bytes.count
      if let equals = bytes.first("=", from: offset), equals < end {
        let name = bytes.part(offset..<equals)
        let last = name.lastIndex(of: UInt8(ascii: ".")) ?? -1
        let isNumbered = name.part(last + 1..<name.count).number != nil
        visit(isNumbered ? name : name.part(last + 1..<name.count), bytes.part(equals + 1..<end))
      }
      offset = end + 1
    }
  }

  private static func endOfText(_ bytes: Bytes, from start: Int) -> Int? {
    var offset = start
    while let mark = bytes.first("\"", from: offset) {
      let slashes = bytes[start..<mark].reversed().prefix { $0 == UInt8(ascii: "\\") }.count
      if slashes.isMultiple(of: 2) { return mark }
      offset = mark + 1
    }
    return nil
  }

  private static func skipSpace(_ bytes: Bytes, from start: Int) -> Int {
    bytes[min(start, bytes.count)...].firstIndex { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 } ?? bytes.count
  }

  private static func isLiteral(_ byte: UInt8) -> Bool {
    byte != UInt8(ascii: ",") && byte != UInt8(ascii: "}") && byte != UInt8(ascii: "]") && byte > 0x20
  }
}
