/// What JSON's strings and numbers are made of.
enum JSONText {
  /// Where what stands for itself ends: at a quote, an escape or a control character, or with the bytes.
  static func endOfPlain(_ bytes: Span<UInt8>, from start: Int) -> Int {
    var end = start
    // Eight at a time: most of what is read and written is handles, digests and bodies. The load checks its bounds.
    while end + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: end, as: UInt64.self))
      let found = specials(word)
      guard found == 0 else { return end + found.trailingZeroBitCount / 8 }
      end += 8
    }
    while end < bytes.count, !isSpecial(bytes[end]) {
      end += 1
    }
    return end
  }

  private static func isSpecial(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20
  }

  /// The highest bits of those of eight bytes that are special. Only the first is sure: a byte that is below its limit
  /// borrows from the next.
  private static func specials(_ word: UInt64) -> UInt64 {
    let each: UInt64 = 0x0101_0101_0101_0101
    func bytes(below limit: UInt8, in word: UInt64) -> UInt64 { (word &- each &* UInt64(limit)) & ~word }
    let quotes = word ^ each &* UInt64(UInt8(ascii: "\""))
    let escapes = word ^ each &* UInt64(UInt8(ascii: "\\"))
    return (bytes(below: 1, in: quotes) | bytes(below: 1, in: escapes) | bytes(below: 0x20, in: word)) & (each &* 0x80)
  }

  /// `-0`, `12`, `0.5` or `1.5e-7`.
  static func isNumber(_ literal: ArraySlice<UInt8>) -> Bool {
    var rest = literal
    func skip(_ characters: String) -> Bool {
      guard let first = rest.first, characters.utf8.contains(first) else { return false }
      rest.removeFirst()
      return true
    }
    /// - Returns: whether there was any.
    func skipDigits() -> Bool {
      let count = rest.count
      rest = rest.drop { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
      return rest.count < count
    }
    _ = skip("-")
    guard skip("0") || skipDigits() else { return false }
    if skip("."), !skipDigits() { return false }
    if skip("eE") {
      _ = skip("+-")
      guard skipDigits() else { return false }
    }
    return rest.isEmpty
  }

  /// Appends a character in UTF-8; a lone surrogate as the three bytes that UTF-8 would give it, if it gave it any.
  static func append(_ codePoint: UInt32, to result: inout OutputSpan<UInt8>) {
    func append(_ head: UInt32, _ count: Int) {
      result.append(UInt8(head | codePoint >> UInt32(6 * count)))
      for place in (0..<count).reversed() {
        result.append(UInt8(0x80 | codePoint >> UInt32(6 * place) & 0x3F))
      }
    }
    switch codePoint {
    case ..<0x80: append(0, 0)
    case ..<0x800: append(0xC0, 1)
    case ..<0x10000: append(0xE0, 2)
    default: append(0xF0, 3)
    }
  }
}
