import Foundation

/// An IPv4 or IPv6 address.
struct IPAddress: Sendable, Hashable, CustomStringConvertible {
  /// The 4 or 16 bytes of the address.
  let bytes: [UInt8]

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// Parses an address.
  ///
  /// - Parameter text: `127.0.0.1` or `::1`, with or without brackets and a zone.
  init?(_ text: String) {
    let address = text.trimmingCharacters(in: CharacterSet(charactersIn: "[]")).prefix { $0 != "%" }
    for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
      var bytes = [UInt8](repeating: 0, count: count)
      if inet_pton(family, String(address), &bytes) == 1 {
        self.bytes = bytes
        return
      }
    }
    return nil
  }

  /// Parses a URL's host if it is a number. It accepts `127.1`, `2130706433` and `0x7f000001`, as libcurl does.
  init?(host: String) {
    if let address = IPAddress(host) {
      bytes = address.bytes
      return
    }
    var address = in_addr()
    guard inet_aton(host.hasSuffix(".") ? String(host.dropLast()) : host, &address) != 0 else { return nil }
    bytes = withUnsafeBytes(of: &address) { Array($0) }
  }

  var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "an address" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether the address is in a network, such as `10.0.0.0/8`.
  func isIn(_ network: Network) -> Bool {
    guard bytes.count == network.address.bytes.count else { return false }
    return bytes.indices.allSatisfy { index in
      let mask = UInt8(truncatingIfNeeded: 0xFF00 >> min(8, max(0, network.bits - index * 8)))
      return bytes[index] & mask == network.address.bytes[index] & mask
    }
  }

  struct Network: Sendable {
    let address: IPAddress
    let bits: Int

    /// Parses a network or an address.
    ///
    /// - Returns: nil if the text is neither.
    init?(_ text: some StringProtocol) {
      let parts = String(text).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard let address = IPAddress(parts[0]) else { return nil }
      self.address = address
      guard parts.count == 2 else {
        bits = address.bytes.count * 8
        return
      }
      guard let bits = Int(parts[1]), (0...address.bytes.count * 8).contains(bits) else { return nil }
      self.bits = bits
    }
  }

  /// The IPv4 addresses that an IPv6 address can embed: mapped, compatible, translated, NAT64 or 6to4.
  ///
  /// A network's own NAT64 prefix (RFC 8215) has one of several lengths, and the address is at another offset for each
  /// (RFC 6052, section 2.2).
  var embedded: [IPAddress] {
    guard bytes.count == 16 else { return [] }
    if bytes.starts(with: [0x20, 0x02]) { return [IPAddress(bytes: Array(bytes[2..<6]))] }
    if bytes.starts(with: [0, 0x64, 0xFF, 0x9B, 0, 1]) {
      return [[12, 13, 14, 15], [9, 10, 11, 12], [7, 9, 10, 11], [6, 7, 9, 10]].map { offsets in
        IPAddress(bytes: offsets.map { bytes[$0] })
      }
    }
    let start = bytes.prefix(12)
    let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
    let compatible = [UInt8](repeating: 0, count: 12)
    let translated = [UInt8](repeating: 0, count: 8) + [0xFF, 0xFF, 0, 0]
    let nat64: [UInt8] = [0, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8)
    guard [mapped, compatible, translated, nat64].contains(where: start.elementsEqual) else { return [] }
    // ::1 and :: have their own meaning in IPv6.
    if start.elementsEqual(compatible), bytes[12..<15].allSatisfy({ $0 == 0 }), bytes[15] < 2 { return [] }
    return [IPAddress(bytes: Array(bytes[12...]))]
  }
}
