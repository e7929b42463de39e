import Foundation
import WorkerHTTP
import WorkerKit

/// A role of IAM Identity Center for a user who has signed in with `aws sso login`. The portal exchanges the
/// ``SSOToken`` for credentials.
struct SSOCredentials: Sendable {
  /// The settings of a profile.
  struct Account: Sendable {
    var accountID: String
    var roleName: String
    var region: String
    /// The key of the cached token: the session name, or the start URL in an older configuration.
    var tokenKey: String
  }

  private struct Answer: Decodable {
    struct RoleCredentials: Decodable {
      var accessKeyId: String
      var secretAccessKey: String
      var sessionToken: String
      /// Milliseconds since 1970.
      var expiration: Double
    }
    var roleCredentials: RoleCredentials
  }

  private struct Refusal: Decodable {
    var message: String?
  }

  let account: Account
  let profile: String
  let context: CredentialsContext

  func credentials() async throws -> Credentials {
    let source = "IAM Identity Center (profile \(profile))"
    let token = SSOToken(account: account, profile: profile, context: context)
    let standard =
      "https://portal.sso.\(account.region).\(CredentialsContext.domain(of: account.region))/"
    let endpoint = try context.endpoint(of: .sso, otherwise: standard)
    let response = try await context.execute(
      HTTPClientRequest(
        url: "\(endpoint.absoluteString)federation/credentials?role_name=\(account.roleName.percentEncoded)"
          + "&account_id=\(account.accountID.percentEncoded)",
        headers: [("x-amz-sso_bearer_token", try await token.value())], timeout: .seconds(10)),
      source: source)
    guard response.status == 200 else {
      if response.status == 401 { throw token.signInAgain("is no longer accepted") }
      throw QueueError.refusal(
        by: source, status: response.status,
        detail: (try? JSONDecoder().decode(Refusal.self, from: Data(response.body)))?.message,
        advice: "check sso_account_id and sso_role_name, and that the role is assigned to you")
    }
    guard let found = (try? JSONDecoder().decode(Answer.self, from: Data(response.body)))?.roleCredentials else {
      throw QueueError(
        code: .credentialsUnavailable, kind: .unavailable,
        message: "the answer of \(source) is not the portal's; check sso_region and AWS_ENDPOINT_URL_SSO")
    }
    return try Credentials(
      accessKeyID: found.accessKeyId, secretAccessKey: found.secretAccessKey, sessionToken: found.sessionToken,
      expiration: Date(timeIntervalSince1970: found.expiration / 1000), from: source)
  }
}
