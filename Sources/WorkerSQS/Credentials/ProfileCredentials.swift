import Foundation
import WorkerKit

/// Resolves the credentials of a profile, through any number of roles.
struct ProfileCredentials: Sendable {
  let profiles: SharedProfiles
  let context: CredentialsContext

  /// The credentials of a profile.
  ///
  /// - Returns: nil if the profile does not configure credentials.
  func credentials(of profile: String) async throws -> Credentials? {
    try await credentials(of: profile, comingFrom: [])
  }

  /// The credentials of a profile.
  ///
  /// - Parameter path: The profiles that referred to this one with `source_profile`.
  private func credentials(of profile: String, comingFrom path: [String]) async throws -> Credentials? {
    guard let settings = try profiles[profile] else {
      throw QueueError.credentials(
        "profile \(path.last ?? profile) names source_profile \(profile), which neither \(profiles.credentialsFile) "
          + "nor \(profiles.configFile) has; add it or correct the name")
    }
    if let arn = settings["role_arn"] {
      return try await assume(arn, settings, profile, comingFrom: path)
    }
    if let keys = try keys(settings, profile) { return keys }
    if settings["sso_session"] != nil || settings["sso_start_url"] != nil {
      let account = try account(settings, profile)
      return try await SSOCredentials(account: account, profile: profile, context: context).credentials()
    }
    if let command = settings["credential_process"] {
      return try await ProcessCredentials(command: command, profile: profile, context: context).credentials()
    }
    return nil
  }

  private func keys(_ settings: [String: String], _ profile: String) throws -> Credentials? {
    let id = settings["aws_access_key_id"]
    let secret = settings["aws_secret_access_key"]
    guard id != nil || secret != nil else { return nil }
    guard let id, let secret else {
      let (present, missing) =
        id == nil ? ("aws_secret_access_key", "aws_access_key_id") : ("aws_access_key_id", "aws_secret_access_key")
      throw QueueError.credentials("profile \(profile) has an \(present), but no \(missing); add it")
    }
    return Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: settings["aws_session_token"])
  }

  // MARK: Roles

  private func assume(
    _ arn: String, _ settings: [String: String], _ profile: String, comingFrom path: [String]
  ) async throws -> Credentials {
    let role = STSClient.Role(
      arn: arn, sessionName: try settings["role_session_name"] ?? WebIdentityCredentials.sessionName(context),
      externalID: settings["external_id"], durationSeconds: try duration(settings, profile))
    if settings["mfa_serial"] != nil {
      throw QueueError.credentials(
        "profile \(profile) has an mfa_serial, and a worker cannot be asked for a code; use a role without it, or "
          + "credential_process")
    }
    let ways = ["source_profile", "credential_source", "web_identity_token_file"].filter { settings[$0] != nil }
    guard ways.count == 1, let way = ways.first, let value = settings[way] else {
      throw QueueError.credentials(
        "profile \(profile) has a role_arn with \(ways.isEmpty ? "nothing to assume it by" : ways.joined(separator: " and ")); "
          + "give it one of source_profile, credential_source and web_identity_token_file")
    }
    let source: Credentials
    switch way {
    case "source_profile":
      source = try await self.source(named: value, of: profile, comingFrom: path)
    case "credential_source":
      source = try await self.source(value, of: profile)
    default:
      return try await WebIdentityCredentials.assume(
        role, tokenFile: value, namedBy: "web_identity_token_file of profile \(profile)", context)
    }
    return try await STSClient(context).assume(role, with: source)
  }

  private func source(named name: String, of profile: String, comingFrom path: [String]) async throws -> Credentials {
    // If a profile names itself as its source, the keys in the same profile are meant.
    if name == profile, let settings = try profiles[profile], let keys = try keys(settings, profile) { return keys }
    let path = path + [profile]
    guard !path.contains(name) else {
      throw QueueError.credentials(
        "the source_profile of \(profile) leads back to where it came from "
          + "(\((path + [name]).joined(separator: " → "))); one of them must have credentials of its own")
    }
    guard let found = try await credentials(of: name, comingFrom: path) else {
      throw QueueError.credentials(
        "profile \(profile) names source_profile \(name), which has no credentials; give it keys, a role, "
          + "sso_session or credential_process")
    }
    return found
  }

  private func source(_ name: String, of profile: String) async throws -> Credentials {
    let provider: any CredentialsProvider
    switch name {
    case "Environment": provider = EnvironmentCredentials(environment: context.settings.environment)
    case "EcsContainer": provider = ContainerCredentials(context)
    case "Ec2InstanceMetadata": provider = InstanceMetadataCredentials(context)
    default:
      throw QueueError.credentials(
        "profile \(profile) has the credential_source `\(name)`; it must be Environment, EcsContainer or "
          + "Ec2InstanceMetadata")
    }
    guard let found = try await provider.credentials() else {
      throw QueueError.credentials(
        "profile \(profile) has the credential_source \(name), but there are none in \(provider.name); set them, or "
          + "choose another")
    }
    return found
  }

  private func duration(_ settings: [String: String], _ profile: String) throws -> Int? {
    guard let text = settings["duration_seconds"] else { return nil }
    guard let seconds = Int(text), (900...43_200).contains(seconds) else {
      throw QueueError.credentials(
        "duration_seconds of profile \(profile) must be from 900 to 43200, but it is `\(text)`")
    }
    return seconds
  }

  // MARK: IAM Identity Center

  private func account(_ settings: [String: String], _ profile: String) throws -> SSOCredentials.Account {
    var login = settings
    if let name = settings["sso_session"] {
      guard let session = try profiles.session(name) else {
        throw QueueError.credentials(
          "profile \(profile) names sso_session \(name), but \(profiles.configFile) has no [sso-session \(name)]; add it "
            + "with aws configure sso-session")
      }
      login = session
    }
    func need(_ key: String, in settings: [String: String]) throws -> String {
      guard let value = settings[key] else {
        throw QueueError.credentials(
          "profile \(profile) lacks \(key); add it with aws configure sso --profile \(profile)")
      }
      return value
    }
    let startURL = try need("sso_start_url", in: login)
    return SSOCredentials.Account(
      accountID: try need("sso_account_id", in: settings), roleName: try need("sso_role_name", in: settings),
      region: try need("sso_region", in: login), tokenKey: settings["sso_session"] ?? startURL)
  }
}
