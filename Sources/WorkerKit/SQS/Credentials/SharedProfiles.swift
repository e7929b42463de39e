import Foundation

/// The profiles of the files that the AWS CLI and the SDKs share, as they stand in both.
struct SharedProfiles: Sendable {
  /// The files' names, for people.
  let credentialsFile: String
  let configFile: String
  private let credentials: [String: [String: String]]
  private let config: [String: [String: String]]

  init(_ context: CredentialsContext) throws {
    credentialsFile = Self.credentialsFile(context)
    configFile = Self.configFile(context)
    credentials = try Self.sections(ofFileAt: credentialsFile)
    config = try Self.sections(ofFileAt: configFile)
  }

  static func credentialsFile(_ context: CredentialsContext) -> String {
    context["AWS_SHARED_CREDENTIALS_FILE"] ?? "\(context.homeDirectory)/.aws/credentials"
  }

  static func configFile(_ context: CredentialsContext) -> String {
    context["AWS_CONFIG_FILE"] ?? "\(context.homeDirectory)/.aws/config"
  }

  /// The settings of a profile; nil where neither file has it. The credentials file wins, and a key goes with the
  /// secret beside it.
  subscript(_ profile: String) -> [String: String]? {
    let own = credentials[profile]
    let section =
      config["profile \(profile)"] ?? (profile == "default" ? config["default"] : nil)
    guard own != nil || section != nil else { return nil }
    var settings = section ?? [:]
    if own?["aws_access_key_id"] != nil {
      for key in ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"] { settings[key] = nil }
    }
    return settings.merging(own ?? [:]) { $1 }.filter { !$0.value.isEmpty }
  }

  /// The settings of an `[sso-session …]`.
  func session(_ name: String) -> [String: String]? {
    config["sso-session \(name)"]
  }

  private static func sections(ofFileAt path: String) throws -> [String: [String: String]] {
    guard FileManager.default.fileExists(atPath: path) else { return [:] }
    do {
      return parse(try String(contentsOfFile: path, encoding: .utf8))
    } catch {
      throw QueueError.credentials(
        "\(path) cannot be read; check its permissions: \(error.localizedDescription)")
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
