import Foundation

extension URL {
  /// What curl sends as `Host`: without a port where the scheme says it already.
  var hostHeader: String {
    let name = host ?? ""
    let bracketed = name.contains(":") && !name.hasPrefix("[") ? "[\(name)]" : name
    guard let port, port != (scheme == "https" ? 443 : 80) else { return bracketed }
    return "\(bracketed):\(port)"
  }
}
