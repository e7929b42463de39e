package import Foundation
import WorkerKit

/// AWS settings from the environment and the shared files, with the precedence of AWS's SDKs.
///
/// | setting | the first value that is set |
/// |---|---|
/// | profile | `AWS_PROFILE`, `AWS_DEFAULT_PROFILE`, `default` |
/// | region | `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's `region` |
/// | a service's endpoint | `AWS_ENDPOINT_URL_SQS` or the service's equivalent, `AWS_ENDPOINT_URL`, `endpoint_url` of the service in the profile's `[services …]` section, the profile's `endpoint_url` |
///
/// If `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` or else the profile's `ignore_configured_endpoint_urls` is `true`, no
/// endpoint setting is used. The files are read only if no variable decides.
package struct AWSSettings: Sendable {
  package enum Service: String, Sendable {
    case sqs = "SQS"
    case sts = "STS"
    case sso = "SSO"
    case ssoOIDC = "SSO_OIDC"
  }

  /// An endpoint that replaces AWS's own.
  package struct Endpoint: Sendable {
    /// The URL. Its path ends in a slash; requests are sent below it.
    package let url: URL
    /// The source for people: the variable, or the profile and its file.
    package let origin: String
    /// Whether it applies to all services, so that another service's server may respond.
    package let isForAllServices: Bool
  }

  package static let fallbackRegion = "us-east-1"

  let environment: [String: String]

  package init(environment: [String: String]) {
    self.environment = environment
  }

  /// The value of a variable; nil if it is unset or empty.
  package subscript(_ variable: String) -> String? {
    get throws { try environment[variable]?.settingValue(from: variable) }
  }

  var homeDirectory: String { text("HOME") ?? NSHomeDirectory() }

  /// The variable that selects the profile, and its value; nil if none is set.
  var namedProfile: (variable: String, name: String)? {
    get throws {
      for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        if let name = try self[variable] { return (variable, name) }
      }
      return nil
    }
  }

  var profile: String { get throws { try namedProfile?.name ?? "default" } }

  /// The path of a file: the variable's value, or a path below the home directory.
  func path(_ variable: String, otherwise standard: String) -> String {
    let path = text(variable) ?? "~/\(standard)"
    return path.hasPrefix("~/") ? homeDirectory + path.dropFirst() : path
  }

  /// The value for messages, where an invalid value is not an error.
  private func text(_ variable: String) -> String? {
    environment[variable]?.trimmingCharacters(in: .whitespacesAndNewlines).nonEmpty
  }

  // MARK: Region

  /// The region of the environment or the profile; nil if none is set.
  ///
  /// - Throws: A ``QueueError`` if the value is not a valid region name, or if a file cannot be read.
  package func region() throws -> String? {
    for variable in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
      if let region = try self[variable] { return try Self.checked(region, from: variable) }
    }
    let profile = try profile
    return try SharedProfiles(self)[profile]?["region"]
      .map { try Self.checked($0, from: "`region` of profile \(profile)") }
  }

  /// The region that requests to a queue are signed for if its configuration names none: ``region()``, the region in
  /// the queue's URL, or us-east-1.
  package func region(ofQueueAt url: String) throws -> String {
    try region() ?? QueueURL(url)?.region ?? Self.fallbackRegion
  }

  /// Validates a region, because it becomes a part of host names.
  private static func checked(_ region: String, from origin: String) throws -> String {
    let isRegion = region.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "-")
    }
    guard isRegion else {
      throw QueueError.credentials("\(origin) must be a region such as eu-central-1, but it is `\(region)`")
    }
    return region
  }

  // MARK: Endpoints

  /// The configured endpoint of a service.
  ///
  /// - Returns: nil to use AWS's endpoint.
  /// - Throws: A ``QueueError`` if the value is not a valid URL, or if a file cannot be read.
  package func endpoint(of service: Service) throws -> Endpoint? {
    let ignores = try self["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]
    guard !isTrue(ignores) else { return nil }
    for (variable, isForAll) in [("AWS_ENDPOINT_URL_\(service.rawValue)", false), ("AWS_ENDPOINT_URL", true)] {
      if let text = try self[variable] { return try Endpoint(text, from: variable, isForAllServices: isForAll) }
    }
    let profile = try profile
    let profiles = try SharedProfiles(self)
    guard let settings = try profiles[profile], !isTrue(ignores ?? settings["ignore_configured_endpoint_urls"]) else {
      return nil
    }
    if let name = settings["services"] {
      guard let services = try profiles.services(name) else {
        throw QueueError.credentials(
          "profile \(profile) names services \(name), but \(profiles.configFile) has no [services \(name)]; add it, or "
            + "correct the name")
      }
      if let text = services[service.rawValue.lowercased()]?["endpoint_url"] {
        return try Endpoint(
          text, from: "endpoint_url of [services \(name)] in \(profiles.configFile)", isForAllServices: false)
      }
    }
    return try settings["endpoint_url"]
      .map { try Endpoint($0, from: "endpoint_url of profile \(profile)", isForAllServices: true) }
  }

  private func isTrue(_ value: String?) -> Bool { value?.lowercased() == "true" }
}

extension AWSSettings.Endpoint {
  init(_ text: String, from origin: String, isForAllServices: Bool) throws {
    guard let url = Self.url(text, keepsPath: true) else {
      throw QueueError.credentials(
        "\(origin) must be an address such as http://localhost:4566, but it is `\(text.withoutUserInfo)`")
    }
    self.init(url: url, origin: origin, isForAllServices: isForAllServices)
  }

  /// The endpoint's URL: scheme, host, port and path, without parts that may be secret.
  ///
  /// - Returns: nil if the text is not a valid URL.
  static func url(_ text: String, keepsPath: Bool) -> URL? {
    guard var parts = URLComponents(string: text), ["http", "https"].contains(parts.scheme),
      parts.host?.isEmpty == false
    else { return nil }
    if !keepsPath { parts.path = "" }
    if !parts.path.hasSuffix("/") { parts.percentEncodedPath += "/" }
    parts.query = nil
    parts.fragment = nil
    parts.user = nil
    parts.password = nil
    return parts.url
  }
}

extension String {
  var nonEmpty: String? { isEmpty ? nil : self }

  /// The URL without user and password, for messages.
  var withoutUserInfo: String {
    replacing(/\/\/[^\/]*@/, with: "//")
  }
}
