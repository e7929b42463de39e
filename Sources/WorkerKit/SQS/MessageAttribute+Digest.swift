extension [String: MessageAttribute] {
  /// The MD5 that SQS gives of a message's attributes; nil where libcrypto refuses MD5.
  ///
  /// Source: the developer guide, "Calculating the MD5 message digest for message attributes".
  var digest: [UInt8]? {
    var bytes: [UInt8] = []
    func append(_ part: some Collection<UInt8>) {
      let count = UInt32(part.count)
      for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
      bytes.append(contentsOf: part)
    }
    for (name, attribute) in sorted(by: { $0.key < $1.key }) {
      append(name.utf8)
      append(attribute.dataType.utf8)
      switch attribute.value {
      case .string(let text):
        bytes.append(1)
        append(text.utf8)
      case .binary(let data):
        bytes.append(2)
        append(data)
      }
    }
    return Crypto.md5(bytes)
  }
}
