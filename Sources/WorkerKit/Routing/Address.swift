import Foundation

/// The formats of addresses. Each check returns nil for a valid value; otherwise the problem, as "must be …".
enum Address {
  /// An AWS region, or the region name of another server: `us-east-1`, `us-gov-west-1`, `elasticmq`.
  static func region(_ text: String) -> String? {
    let isRegion = text.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) != nil && text.utf8.count <= 63
    return isRegion ? nil : "must be an AWS region, such as us-east-1"
  }

  /// The URL of a queue. Surrounding white space is ignored.
  static func queueURL(_ text: String) -> String? {
    let example = "https://sqs.us-east-1.amazonaws.com/123456789012/prizes"
    guard let url = server(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      return "must be a queue URL with http:// or https://, such as \(example)"
    }
    if let problem = credentials(in: url) { return problem }
    guard url.query == nil, url.fragment == nil else {
      return "must end with the queue's name, without `?` or `#`, as in \(example)"
    }
    let parts = url.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    let name = parts.last ?? ""
    let isAccountAlone = parts.count == 1 && name.wholeMatch(of: /[0-9]{12}/) != nil
    guard name.wholeMatch(of: /[A-Za-z0-9_-]+(\.fifo)?/) != nil, name.utf8.count <= 80, !isAccountAlone else {
      return "must end with the queue's name, as in \(example)"
    }
    return nil
  }

  /// The URL of a server, optionally with a path.
  static func endpoint(_ text: String) -> String? {
    guard let url = server(text), url.query == nil, url.fragment == nil else {
      return "must be an address with http:// or https://, such as http://127.0.0.1:4566"
    }
    return credentials(in: url)
  }

  private static func server(_ text: String) -> URLComponents? {
    guard text.unicodeScalars.allSatisfy({ ("!"..."~").contains($0) }), let url = URLComponents(string: text),
      ["http", "https"].contains(url.scheme), let host = url.host, isHost(host),
      url.port.map({ (1...65_535).contains($0) }) ?? true
    else { return nil }
    return url
  }

  private static func credentials(in url: URLComponents) -> String? {
    url.user == nil && url.password == nil
      ? nil
      : "must hold no user name and no password; requests are signed with AWS_ACCESS_KEY_ID or a profile's keys"
  }

  /// A host name or an IP address, without a port.
  static func isHost(_ text: String) -> Bool {
    let inBrackets = text.hasPrefix("[") && text.hasSuffix("]")
    let address = inBrackets ? String(text.dropFirst().dropLast()) : text
    if address.contains(":") {
      var bytes = in6_addr()
      return inet_pton(AF_INET6, address, &bytes) == 1
    }
    guard !inBrackets, text.utf8.count <= 253 else { return false }
    if text.wholeMatch(of: /[0-9.]+/) != nil {
      var bytes = in_addr()
      return inet_pton(AF_INET, text, &bytes) == 1
    }
    // Container names may contain underscores.
    return text.wholeMatch(
      of: /[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?/) != nil
  }
}
