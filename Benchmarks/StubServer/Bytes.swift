import Foundation

/// A part of what a connection received; good until the request is answered.
typealias Bytes = UnsafeRawBufferPointer

extension UnsafeRawBufferPointer {
  func part(_ range: Range<Int>) -> Bytes { Bytes(rebasing: self[range]) }

  /// Where `byte` comes next.
  func first(_ byte: Unicode.Scalar, from offset: Int) -> Int? {
    guard let baseAddress, offset < count else { return nil }
    return memchr(baseAddress + offset, Int32(byte.value), count - offset).map { baseAddress.distance(to: $0) }
  }

  func isEqual(to text: StaticString) -> Bool {
    guard let baseAddress, count == text.utf8CodeUnitCount else { return count == text.utf8CodeUnitCount }
    return memcmp(baseAddress, text.utf8Start, count) == 0
  }

  func hasPrefix(_ text: StaticString) -> Bool {
    count >= text.utf8CodeUnitCount && part(0..<text.utf8CodeUnitCount).isEqual(to: text)
  }

  /// In ASCII, whatever the case.
  func isName(_ lowercase: StaticString) -> Bool {
    guard count == lowercase.utf8CodeUnitCount else { return false }
    return indices.allSatisfy { self[$0] | 0x20 == lowercase.utf8Start[$0] }
  }

  /// A number in decimal; nil where anything else is in it.
  var number: Int? {
    guard !isEmpty, count <= 15 else { return nil }
    var value = 0
    for byte in self {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return value
  }

  var text: String { String(decoding: self, as: UTF8.self) }
}
