/// The headers of a response as received, one on each line.
struct HeaderLines: Sendable {
  private var bytes: [UInt8] = []

  mutating func append(_ line: some Collection<UInt8>) {
    // A new status line starts the final response: the previous one was interim, such as 100 Continue.
    if line.starts(with: "HTTP/".utf8) { bytes.removeAll(keepingCapacity: true) }
    bytes.append(contentsOf: line)
  }

  /// The headers in the order in which they were received, with names in lower case.
  var headers: [(name: String, value: String)] {
    var headers: [(name: String, value: String)] = []
    forEach { name, value in
      headers.append((String(decoding: name, as: UTF8.self).lowercased(), Self.text(value)))
      return true
    }
    return headers
  }

  /// The first value of a header, regardless of case.
  func first(_ wanted: String) -> String? {
    var found: String?
    forEach { name, value in
      guard name.count == wanted.utf8.count, zip(name, wanted.utf8).allSatisfy({ Self.lower($0) == Self.lower($1) })
      else { return true }
      found = Self.text(value)
      return false
    }
    return found
  }

  /// Calls `body` with each name and value until it returns false.
  private func forEach(_ body: (ArraySlice<UInt8>, ArraySlice<UInt8>) -> Bool) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let line = rest.prefix { $0 != UInt8(ascii: "\n") }
      rest = rest[line.endIndex...].dropFirst()
      // The status line is not a header, although its reason may contain a colon.
      guard !line.starts(with: "HTTP/".utf8), let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
      guard body(line[..<colon], line[colon...].dropFirst()) else { return }
    }
  }

  private static func text(_ value: ArraySlice<UInt8>) -> String {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var value = value.drop(while: isSpace)
    while let last = value.last, isSpace(last) { value.removeLast() }
    return String(decoding: value, as: UTF8.self)
  }

  private static func lower(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }
}
