import Foundation

/// The proxy that the environment selects for a URL, with the variables that curl reads.
///
/// | variable | selects the proxy for |
/// |---|---|
/// | `http_proxy` (its upper-case form could be the header of a CGI client) | `http://` |
/// | `https_proxy`, `HTTPS_PROXY` | `https://` |
/// | `all_proxy`, `ALL_PROXY` | both |
/// | `no_proxy`, `NO_PROXY` | none of the listed hosts: names with their subdomains, addresses, networks, `*` |
///
/// If both spellings are set, the first one is used. A loopback address is reached directly, because the proxy would
/// connect to its own machine.
struct HTTPProxy: Sendable {
  let variable: String
  /// The value of the variable, which may contain a password.
  let url: String
  /// The address for people, without user and password.
  let address: String
  let hasUser: Bool

  init?(for url: String, environment: [String: String]) {
    guard let target = URLComponents(string: url), let scheme = target.scheme?.lowercased(),
      let host = target.host.map(Host.init), !host.isLoopback
    else { return nil }
    func variable(_ names: String...) -> (name: String, value: String)? {
      for name in names {
        if let value = environment[name]?.trimmingCharacters(in: .whitespacesAndNewlines), !value.isEmpty {
          return (name, value)
        }
      }
      return nil
    }
    let own = scheme == "https" ? variable("https_proxy", "HTTPS_PROXY") : variable("http_proxy")
    guard let found = own ?? variable("all_proxy", "ALL_PROXY") else { return nil }
    if let exceptions = variable("no_proxy", "NO_PROXY")?.value, host.isAmong(exceptions) { return nil }
    self.variable = found.name
    self.url = found.value
    let start = found.value.range(of: "://")?.upperBound ?? found.value.startIndex
    let authority = found.value[start...].prefix { !"/?#".contains($0) }
    let hostAndPort = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
    hasUser = hostAndPort.startIndex != authority.startIndex
    address = "\(found.value[..<start])\(hostAndPort)"
  }

  /// The proxy and its variable, for messages.
  var description: String { "the proxy \(address) that \(variable) names" }
}

/// The host of a URL, in the format of `NO_PROXY`.
private struct Host {
  let name: String
  /// The address; nil if the host is a name.
  let address: IPAddress?

  init(_ text: String) {
    let name = text.trimmingCharacters(in: CharacterSet(charactersIn: "[]")).lowercased()
    self.name = name.hasSuffix(".") ? String(name.dropLast()) : name
    address = IPAddress(self.name)
  }

  var isLoopback: Bool {
    name == "localhost" || (address?.bytes.count == 4 && address?.bytes.first == 127) || address == IPAddress("::1")
  }

  func isAmong(_ exceptions: String) -> Bool {
    exceptions == "*" || exceptions.split(whereSeparator: { $0 == "," || $0.isWhitespace }).contains(where: isMeant)
  }

  private func isMeant(by exception: Substring) -> Bool {
    guard let address else {
      let domain = Host(String(exception.first == "." ? exception.dropFirst() : exception)).name
      return !domain.isEmpty && (name == domain || name.hasSuffix(".\(domain)"))
    }
    return IPAddress.Network(exception).map(address.isIn) ?? false
  }
}
