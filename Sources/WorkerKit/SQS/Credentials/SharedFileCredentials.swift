import Foundation

/// A profile of the files that the AWS CLI and the SDKs share: `~/.aws/credentials`, then `~/.aws/config`.
///
/// `AWS_PROFILE` picks the profile, `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` other files. Read anew each
/// time, so that a key that was rotated is found.
public struct SharedFileCredentials: CredentialsProvider {
  private let profile: String
  private let isProfileAsked: Bool
  private let credentialsFile: String
  private let configFile: String

  public init(environment: [String: String]) {
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    let home = value("HOME") ?? "~"
    profile = value("AWS_PROFILE") ?? "default"
    isProfileAsked = value("AWS_PROFILE") != nil
    credentialsFile = value("AWS_SHARED_CREDENTIALS_FILE") ?? "\(home)/.aws/credentials"
    configFile = value("AWS_CONFIG_FILE") ?? "\(home)/.aws/config"
  }

  public var name: String { "profile \(profile) of \(credentialsFile) and \(configFile)" }

  public func credentials() throws -> Credentials? {
    let sections = [
      try Self.profiles(ofFileAt: credentialsFile)[profile],
      try Self.profiles(ofFileAt: configFile)[profile == "default" ? "default" : "profile \(profile)"],
    ].compactMap(\.self)
    for values in sections {
      guard let id = values["aws_access_key_id"] else { continue }
      guard let secret = values["aws_secret_access_key"] else {
        throw QueueError(
          code: .noCredentials, kind: .unavailable,
          message: "profile \(profile) has an aws_access_key_id, but no aws_secret_access_key; add it")
      }
      return Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: values["aws_session_token"])
    }
    if isProfileAsked, sections.isEmpty {
      throw QueueError(
        code: .noCredentials, kind: .unavailable,
        message: "AWS_PROFILE names \(profile), which neither \(credentialsFile) nor \(configFile) has")
    }
    return nil
  }

  private static func profiles(ofFileAt path: String) throws -> [String: [String: String]] {
    guard FileManager.default.fileExists(atPath: path) else { return [:] }
    do {
      return parse(try String(contentsOfFile: path, encoding: .utf8))
    } catch {
      throw QueueError(
        code: .noCredentials, kind: .unavailable,
        message: "\(path) cannot be read; check its permissions: \(error.localizedDescription)")
    }
  }

  /// Sections of keys and values; indented lines belong to a nested section that holds no credentials.
  static func parse(_ text: String) -> [String: [String: String]] {
    var sections: [String: [String: String]] = [:]
    var section: String?
    for line in text.split(whereSeparator: \.isNewline) {
      let content = line.trimmingCharacters(in: .whitespaces)
      if content.isEmpty || content.hasPrefix("#") || content.hasPrefix(";") { continue }
      if content.hasPrefix("["), let end = content.firstIndex(of: "]") {
        let name = content[content.index(after: content.startIndex)..<end]
          .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        sections[name] = sections[name] ?? [:]
        section = name
      } else if let section, line.first?.isWhitespace == false, let equals = content.firstIndex(of: "=") {
        let key = content[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
        var value = content[content.index(after: equals)...].trimmingCharacters(in: .whitespaces)
        // A comment after a value needs a space before it; secrets hold neither.
        if let comment = value.range(of: #"\s[#;]"#, options: .regularExpression) {
          value = value[..<comment.lowerBound].trimmingCharacters(in: .whitespaces)
        }
        sections[section]?[key] = value
      }
    }
    return sections
  }
}
