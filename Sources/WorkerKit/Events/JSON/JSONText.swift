import Foundation

/// What JSON's strings and numbers are made of.
package enum JSONText {
  /// Where what stands for itself ends: at a quote, an escape or a control character, or with the bytes.
  ///
  /// - Parameter stopsBeyondASCII: Whether it ends at what is beyond ASCII as well.
  @inline(__always)
  static func endOfPlain(_ bytes: Span<UInt8>, from start: Int, stopsBeyondASCII: Bool = false) -> Int {
    let beyond: UInt8 = stopsBeyondASCII ? 0x80 : 0
    var end = start
    // Eight at a time: most of what is read and written is handles, digests and bodies. The load checks its bounds.
    while end + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromByteOffset: end, as: UInt64.self))
      let found = specials(word) | word & (each &* UInt64(beyond))
      guard found == 0 else { return end + found.trailingZeroBitCount / 8 }
      end += 8
    }
    while end < bytes.count, !isSpecial(bytes[end]), bytes[end] & beyond == 0 {
      end += 1
    }
    return end
  }

  /// Copies what stands for itself to a place in another array, which has room for all that follows in the bytes.
  ///
  /// - Returns: where it ends.
  static func copyPlain(
    _ bytes: Span<UInt8>, from start: Int, to copy: inout MutableSpan<UInt8>, at place: Int
  ) -> Int {
    var copiedBytes = copy.mutableBytes
    var (end, place) = (start, place)
    while end + 8 <= bytes.count {
      let word = bytes.bytes.unsafeLoadUnaligned(fromByteOffset: end, as: UInt64.self)
      // What is copied beyond the end is copied over, or lies behind all that is kept.
      copiedBytes.storeBytes(of: word, toByteOffset: place, as: UInt64.self)
      let found = specials(UInt64(littleEndian: word))
      guard found == 0 else { return end + found.trailingZeroBitCount / 8 }
      end += 8
      place += 8
    }
    while end < bytes.count, !isSpecial(bytes[end]) {
      copiedBytes.storeBytes(of: bytes[end], toByteOffset: place, as: UInt8.self)
      end += 1
      place += 1
    }
    return end
  }

  private static func isSpecial(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20
  }

  /// Eight bytes of 1: times a byte it is eight of that.
  private static let each: UInt64 = 0x0101_0101_0101_0101

  /// The highest bits of those of eight bytes that are special. Only the first is sure: a byte that is below its limit
  /// borrows from the next.
  private static func specials(_ word: UInt64) -> UInt64 {
    func bytes(below limit: UInt8, in word: UInt64) -> UInt64 { (word &- each &* UInt64(limit)) & ~word }
    // With its second bit turned over a quote comes right behind the control characters, and those stay among themselves.
    let controls = word ^ each &* 0x02
    let escapes = word ^ each &* UInt64(UInt8(ascii: "\\"))
    return (bytes(below: 0x21, in: controls) | bytes(below: 1, in: escapes)) & (each &* 0x80)
  }

  /// Without a text of either: names are compared so, with those of the code.
  package static func areEqual(_ bytes: ArraySlice<UInt8>, _ others: UnsafeBufferPointer<UInt8>) -> Bool {
    bytes.withUnsafeBytes { bytes in
      guard bytes.count == others.count, let first = bytes.baseAddress, let other = others.baseAddress else {
        return bytes.isEmpty && others.isEmpty
      }
      return memcmp(first, other, bytes.count) == 0
    }
  }

  /// The number that digits make, up to 18 of them, with or without a minus; nil for everything else, and for a zero with
  /// a sign.
  package static func integer(_ text: ArraySlice<UInt8>) -> Int64? {
    let isNegative = text.first == UInt8(ascii: "-")
    let digits = isNegative ? text.dropFirst() : text
    guard (1...18).contains(digits.count) else { return nil }
    var magnitude: Int64 = 0
    for digit in digits {
      guard case UInt8(ascii: "0")...UInt8(ascii: "9") = digit else { return nil }
      magnitude = magnitude * 10 + Int64(digit - UInt8(ascii: "0"))
    }
    return isNegative ? (magnitude == 0 ? nil : -magnitude) : magnitude
  }

  /// Puts a character in UTF-8 to a place; a lone surrogate as the three bytes that UTF-8 would give it, if it gave it any.
  static func put(_ codePoint: UInt32, to bytes: inout MutableSpan<UInt8>, at place: inout Int) {
    let (head, following): (UInt32, UInt32) =
      switch codePoint {
      case ..<0x80: (0, 0)
      case ..<0x800: (0xC0, 1)
      case ..<0x10000: (0xE0, 2)
      default: (0xF0, 3)
      }
    bytes[place] = UInt8(head | codePoint >> (6 * following))
    place += 1
    var left = following
    while left > 0 {
      left -= 1
      bytes[place] = UInt8(0x80 | codePoint >> (6 * left) & 0x3F)
      place += 1
    }
  }
}
