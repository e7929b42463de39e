public import Logging

/// A profile of the files that the AWS CLI and the SDKs share: `~/.aws/credentials` and `~/.aws/config`.
///
/// `AWS_PROFILE` picks the profile, `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` other files. Read anew each
/// time, so that a key that was rotated is found. A profile can hold keys, or say where they come from:
///
/// | setting | credentials |
/// |---|---|
/// | `role_arn` with `source_profile` | STS's, for another profile's (which may itself be such a profile) |
/// | `role_arn` with `credential_source` | STS's, for those of `Environment`, `EcsContainer`, `Ec2InstanceMetadata` |
/// | `role_arn` with `web_identity_token_file` | STS's, for a token |
/// | `sso_session` or `sso_start_url` | IAM Identity Center's, after `aws sso login` |
/// | `credential_process` | a program's |
public struct SharedFileCredentials: CredentialsProvider {
  private let context: CredentialsContext

  /// - Parameters:
  ///   - environment: Of the process.
  ///   - region: Whose STS is asked; that of `AWS_REGION` or `AWS_DEFAULT_REGION`, where none is given.
  ///   - client: Shared by all that speak HTTP in the process.
  public init(
    environment: [String: String], region: String? = nil, client: CurlClient? = nil, logger: Logger? = nil
  ) {
    self.init(CredentialsContext(environment: environment, region: region, http: client, logger: logger))
  }

  init(_ context: CredentialsContext) {
    self.context = context
  }

  private var profile: String { context["AWS_PROFILE"] ?? "default" }

  public var name: String {
    "profile \(profile) of \(SharedProfiles.credentialsFile(context)) and \(SharedProfiles.configFile(context))"
  }

  public func credentials() async throws -> Credentials? {
    let profiles = try SharedProfiles(context)
    guard profiles[profile] != nil else {
      guard context["AWS_PROFILE"] != nil else { return nil }
      throw QueueError.credentials(
        "AWS_PROFILE names \(profile), which neither \(profiles.credentialsFile) nor \(profiles.configFile) has")
    }
    return try await ProfileCredentials(profiles: profiles, context: context).credentials(of: profile)
  }
}
