extension Sequence<UInt8> {
  /// In lower-case hexadecimal.
  @inlinable package var hexadecimal: String {
    var digits: [UInt8] = []
    digits.append(hexadecimal: self)
    return String(decoding: digits, as: UTF8.self)
  }
}

extension [UInt8] {
  /// Appends bytes in lower-case hexadecimal.
  @inlinable package mutating func append(hexadecimal bytes: some Sequence<UInt8>) {
    reserveCapacity(count + 2 * bytes.underestimatedCount)
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value }
    for byte in bytes {
      append(digit(byte >> 4))
      append(digit(byte & 15))
    }
  }
}
