import HTTPTypes
import Hummingbird

/// The cookie of a session.
///
/// Browsers share cookies between the ports of a host, so the name has the port: two consoles on one machine keep their sessions
/// apart. The port is the one that the browser asked.
struct SessionCookie {
  private static let prefix = "worker_console"

  let name: String
  /// Whether browsers send it over HTTPS alone.
  private let isSecure: Bool

  /// - Parameter isProxied: Whether the request comes from a trusted proxy, which reports the protocol that the browser used.
  init(_ request: Request, isProxied: Bool) {
    let authority = request.head.authority ?? ""
    // Without a port, an IPv6 address ends in its bracket.
    let port = authority.lastIndex(of: ":").flatMap { UInt16(authority[authority.index(after: $0)...]) }
    name = port.map { "\(Self.prefix)_\($0)" } ?? Self.prefix
    let isForwarded = isProxied && request.headers[.forwardedProtocol]?.lowercased() == "https"
    isSecure = isForwarded || request.headers[.origin]?.hasPrefix("https://") ?? false
  }

  /// The header of the response that begins a session.
  func begin(_ id: String) -> String { "\(name)=\(id); \(attributes)" }

  /// The header of the response that ends a session.
  var end: String { "\(name)=; Max-Age=0; \(attributes)" }

  private var attributes: String { "Path=/; HttpOnly; SameSite=Strict\(isSecure ? "; Secure" : "")" }
}
