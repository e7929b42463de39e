import NIOCore

/// The host that a request names: `name`, `192.0.2.1` or `[2001:db8::1]`, each with or without a port.
///
/// In a DNS rebinding attack, a web page resolves its own name to the address of this machine, but it cannot change the
/// host that the browser sends. Therefore a server on the loopback interface accepts only names that nobody else can
/// own.
public struct RequestedHost: Sendable {
  /// The name in lower case. An IPv6 address has no brackets.
  public let name: String
  /// Whether the host is an address.
  public let isAddress: Bool

  /// Parses a host.
  ///
  /// - Parameter authority: The value of the `Host` header.
  /// - Returns: nil if it is invalid by RFC 3986, such as `[::1].example.com` or `localhost:80.example.com`.
  public init?(_ authority: String) {
    let port: Substring
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      name = authority[authority.index(after: authority.startIndex)..<end].lowercased()
      port = authority[authority.index(after: end)...]
      isAddress = true
      guard name.contains(":"), Self.isAddress(name) else { return nil }
    } else {
      let plain = authority.prefix { $0 != ":" }
      name = plain.lowercased()
      port = authority[plain.endIndex...]
      isAddress = Self.isAddress(name)
      guard isAddress || Self.isName(name) else { return nil }
    }
    guard port.isEmpty || Self.isPort(port) else { return nil }
  }

  /// Whether the host always means this machine, regardless of DNS.
  public var isLoopback: Bool {
    if isAddress { return name == "::1" || (name.hasPrefix("127.") && !name.contains(":")) }
    return name == "localhost" || name.hasSuffix(".localhost")
  }

  private static func isAddress(_ text: String) -> Bool { (try? SocketAddress(ipAddress: text, port: 0)) != nil }

  /// Letters, digits and hyphens between dots; also underscores, for container networks.
  private static func isName(_ text: String) -> Bool {
    guard text.utf8.count <= 253 else { return false }
    return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      !label.isEmpty && label.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789-_".utf8.contains($0) }
    }
  }

  /// `:80`, or only the colon.
  private static func isPort(_ text: Substring) -> Bool {
    let digits = text.dropFirst()
    guard text.hasPrefix(":"), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
    return digits.isEmpty || UInt16(digits) != nil
  }
}
