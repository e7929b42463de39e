package import Foundation

extension URL {
  /// The `Host` header as curl sends it: without the scheme's default port.
  package var hostHeader: String {
    let name = host ?? ""
    let bracketed = name.contains(":") && !name.hasPrefix("[") ? "[\(name)]" : name
    guard let port, port != (scheme == "https" ? 443 : 80) else { return bracketed }
    return "\(bracketed):\(port)"
  }
}
