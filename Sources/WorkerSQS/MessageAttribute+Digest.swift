import WorkerKit

extension [String: MessageAttribute] {
  /// The MD5 digest that SQS computes for a message's attributes; nil if libcrypto does not provide MD5.
  ///
  /// Source: the developer guide, "Calculating the MD5 message digest for message attributes".
  var digest: [UInt8]? {
    var bytes: [UInt8] = []
    // Enough for a name, its type and a value of typical length.
    bytes.reserveCapacity(128 * count)
    func append(_ part: some Collection<UInt8>) {
      withUnsafeBytes(of: UInt32(part.count).bigEndian) { bytes.append(contentsOf: $0) }
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
