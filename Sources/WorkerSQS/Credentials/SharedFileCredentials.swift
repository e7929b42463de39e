public import Logging
public import WorkerHTTP
import WorkerKit

/// A profile in the files that the AWS CLI and the SDKs share: `~/.aws/credentials` and `~/.aws/config`.
///
/// `AWS_PROFILE` or else `AWS_DEFAULT_PROFILE` selects the profile; `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE`
/// select other files. The files are read for every request, so that rotated keys are found. A profile contains keys,
/// or configures their source:
///
/// | setting | credentials |
/// |---|---|
/// | `role_arn` with `source_profile` | from STS, with the credentials of another profile, which may have a role as well |
/// | `role_arn` with `credential_source` | from STS, with those of `Environment`, `EcsContainer`, `Ec2InstanceMetadata` |
/// | `role_arn` with `web_identity_token_file` | from STS, with a token |
/// | `sso_session` or `sso_start_url` | from IAM Identity Center, after `aws sso login` |
/// | `credential_process` | from a program |
public struct SharedFileCredentials: CredentialsProvider {
  private let context: CredentialsContext

  /// Creates the source.
  ///
  /// - Parameters:
  ///   - environment: The environment variables of the process.
  ///   - region: The region of the STS endpoint. The default is `AWS_REGION` or `AWS_DEFAULT_REGION`.
  ///   - client: The HTTP client, usually shared by the whole process.
  public init(
    environment: [String: String], region: String? = nil, client: CurlClient? = nil, logger: Logger? = nil
  ) {
    self.init(CredentialsContext(environment: environment, region: region, http: client, logger: logger))
  }

  init(_ context: CredentialsContext) {
    self.context = context
  }

  public var name: String {
    let profile = (try? context.settings.profile) ?? "default"
    return "profile \(profile) of \(SharedProfiles.credentialsFile(context.settings)) and "
      + SharedProfiles.configFile(context.settings)
  }

  public func credentials() async throws -> Credentials? {
    let named = try context.settings.namedProfile
    let profiles = try SharedProfiles(context.settings)
    guard try profiles[named?.name ?? "default"] != nil else {
      guard let named else { return nil }
      throw QueueError.credentials(
        "\(named.variable) names \(named.name), which neither \(profiles.credentialsFile) nor \(profiles.configFile) has"
      )
    }
    return try await ProfileCredentials(profiles: profiles, context: context).credentials(of: named?.name ?? "default")
  }
}
