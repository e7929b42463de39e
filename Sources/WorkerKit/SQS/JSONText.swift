/// What JSON's strings hold.
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
}
