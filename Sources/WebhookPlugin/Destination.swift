import Foundation
import WorkerHTTP
import WorkerKit

/// Where events are posted to: the key `url` of a route.
///
/// A path or a query can be a secret, as with Discord and Slack. Whatever names a destination says ``name``.
struct Destination: ConfigurationValue, Hashable {
  static let configurationDescription = "an address with http:// or https://, such as https://bot.example/hooks/raffle"

  let url: String
  /// Scheme, host and port, the port only where it is not the scheme's own: `https://bot.example`.
  let name: String
  /// Without brackets.
  let host: String
  let port: Int

  init?(configurationText text: String) {
    guard let destination = try? Self(text) else { return nil }
    self = destination
  }

  init(configuration input: ConfigurationInput) throws(ConfigurationValueError) {
    guard case .text(let text) = input else {
      throw ConfigurationValueError("must be \(Self.configurationDescription)")
    }
    self = try Self(text)
  }

  private init(_ text: String) throws(ConfigurationValueError) {
    guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let url = URLComponents(string: text),
      let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme), let host = url.host?.lowercased(),
      !host.isEmpty, url.port.map({ (1...65_535).contains($0) }) ?? true
    else { throw ConfigurationValueError("must be \(Self.configurationDescription)") }
    guard url.user == nil, url.password == nil else {
      throw ConfigurationValueError(
        "must hold no user name and no password; put an Authorization header under `headers` instead")
    }
    guard url.fragment == nil else { throw ConfigurationValueError("must hold no `#`; no server would see it") }
    let name = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
    if let problem = AddressPolicy.privateNetwork.problem(ofHost: name) {
      throw ConfigurationValueError("must be another address: \(problem)")
    }
    let ownPort = scheme == "https" ? 443 : 80
    self.url = text
    self.host = name
    port = url.port ?? ownPort
    let bracketed = name.contains(":") ? "[\(name)]" : name
    self.name = "\(scheme)://\(bracketed)\(port == ownPort ? "" : ":\(port)")"
  }

  /// Parts of the URL that can be secrets: nothing shows them.
  var secrets: [String] {
    let url = URLComponents(string: url)
    let segments = url?.percentEncodedPath.split(separator: "/").map(String.init).filter { $0.utf8.count >= 20 } ?? []
    return segments + (url?.queryItems?.compactMap(\.value) ?? [])
  }
}
