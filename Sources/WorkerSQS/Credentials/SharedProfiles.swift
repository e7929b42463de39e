import Foundation

/// The profiles in the two files that the AWS CLI and the SDKs share.
struct SharedProfiles: Sendable {
  /// The lines between two headers.
  struct Section: Sendable, Hashable {
    /// The values. Keys are in lower case.
    var values: [String: String] = [:]
    /// The indented values, by the key without a value that they follow, such as `s3 =`.
    var nested: [String: [String: String]] = [:]
  }

  /// The paths of the files, for messages.
  let credentialsFile: String
  let configFile: String
  private let credentials: [String: Section]
  private let config: [String: Section]

  init(_ settings: AWSSettings) throws {
    credentialsFile = Self.credentialsFile(settings)
    configFile = Self.configFile(settings)
    credentials = try Self.sections(ofFileAt: credentialsFile)
    config = try Self.sections(ofFileAt: configFile)
  }

  static func credentialsFile(_ settings: AWSSettings) -> String {
    settings.path("AWS_SHARED_CREDENTIALS_FILE", otherwise: ".aws/credentials")
  }

  static func configFile(_ settings: AWSSettings) -> String {
    settings.path("AWS_CONFIG_FILE", otherwise: ".aws/config")
  }

  /// The settings of a profile; nil if neither file contains it. The credentials file takes precedence. An access key
  /// is always combined with the secret of the same file.
  ///
  /// - Throws: A ``QueueError`` if a value contains a control character.
  subscript(_ profile: String) -> [String: String]? {
    get throws {
      let own = credentials[profile]?.values
      let section = config["profile \(profile)"] ?? (profile == "default" ? config["default"] : nil)
      guard own != nil || section != nil else { return nil }
      var settings = section?.values ?? [:]
      if own?["aws_access_key_id"] != nil {
        for key in ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"] { settings[key] = nil }
      }
      return try Self.checked(settings.merging(own ?? [:]) { $1 }) { key in
        "\(key) of profile \(profile) in \(own?[key] == nil ? configFile : credentialsFile)"
      }
    }
  }

  /// The settings of an `[sso-session …]` section.
  func session(_ name: String) throws -> [String: String]? {
    try config["sso-session \(name)"].map { section in
      try Self.checked(section.values) { "\($0) of [sso-session \(name)] in \(configFile)" }
    }
  }

  /// The settings of a `[services …]` section, by service.
  func services(_ name: String) throws -> [String: [String: String]]? {
    try config["services \(name)"]?.nested.mapValues { service in
      try Self.checked(service) { "\($0) of [services \(name)] in \(configFile)" }
    }
  }

  /// Validates values, and removes empty ones.
  private static func checked(
    _ values: [String: String], from origin: (String) -> String
  ) throws -> [String: String] {
    var checked: [String: String] = [:]
    for (key, value) in values { checked[key] = try value.settingValue(from: origin(key)) }
    return checked
  }

  private static func sections(ofFileAt path: String) throws -> [String: Section] {
    guard FileManager.default.fileExists(atPath: path) else { return [:] }
    return parse(try TextFile.read(path, as: path))
  }

  /// Parses sections by header, without the quotes that `aws configure` writes around a name with spaces. A line is
  /// nested if it is indented further than a preceding key without a value; otherwise indentation is ignored.
  static func parse(_ text: String) -> [String: Section] {
    var sections: [String: Section] = [:]
    var header: String?
    var parent: (key: String, indentation: Int)?
    for line in text.split(whereSeparator: \.isNewline) {
      let content = line.trimmingCharacters(in: .whitespaces)
      if content.isEmpty || content.hasPrefix("#") || content.hasPrefix(";") { continue }
      if content.hasPrefix("["), let end = content.firstIndex(of: "]") {
        let text = content[..<end].dropFirst().trimmingCharacters(in: .whitespaces)
        let name = ProcessCredentials.words(of: text)?.joined(separator: " ") ?? text
        sections[name] = sections[name] ?? Section()
        header = name
        parent = nil
      } else if let header, let (key, value) = entry(content) {
        let indentation = line.prefix { $0.isWhitespace }.count
        if let parent, indentation > parent.indentation {
          sections[header]?.nested[parent.key, default: [:]][key] = value
        } else {
          sections[header]?.values[key] = value
          parent = value.isEmpty ? (key, indentation) : nil
        }
      }
    }
    return sections
  }

  private static func entry(_ line: String) -> (key: String, value: String)? {
    guard let equals = line.firstIndex(where: { $0 == "=" || $0 == ":" }) else { return nil }
    let key = line[..<equals].trimmingCharacters(in: .whitespaces).lowercased()
    var value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
    // A comment after a value requires a space before it; secrets contain neither.
    if let comment = value.range(of: #"\s[#;]"#, options: .regularExpression) {
      value = value[..<comment.lowerBound].trimmingCharacters(in: .whitespaces)
    }
    return (key, value)
  }
}
