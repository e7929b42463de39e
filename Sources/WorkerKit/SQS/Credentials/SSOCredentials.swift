import Foundation

/// A role of IAM Identity Center's, for whoever has signed in with `aws sso login`: the token that the AWS CLI keeps in
/// `~/.aws/sso/cache` is traded for credentials at the portal.
struct SSOCredentials: Sendable {
  /// What a profile says of it.
  struct Account: Sendable {
    var accountID: String
    var roleName: String
    var region: String
    /// Names the cached token: the session, or the start URL of an older configuration.
    var tokenKey: String
  }

  private struct CachedToken: Decodable {
    var accessToken: String
    var expiresAt: String
  }

  private struct Answer: Decodable {
    struct RoleCredentials: Decodable {
      var accessKeyId: String
      var secretAccessKey: String
      var sessionToken: String
      /// In milliseconds since 1970.
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
    let token = try token()
    let standard =
      "https://portal.sso.\(account.region).\(CredentialsContext.domain(of: account.region))"
    let endpoint = try context.endpoint(ofService: "SSO", otherwise: standard).absoluteString
    let base = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
    let response = try await context.execute(
      HTTPRequest(
        url: "\(base)/federation/credentials?role_name=\(account.roleName.percentEncoded)"
          + "&account_id=\(account.accountID.percentEncoded)",
        headers: [("x-amz-sso_bearer_token", token)], timeout: .seconds(10)),
      source: source)
    guard response.status == 200 else {
      if response.status == 401 { throw signInAgain("is no longer accepted") }
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
    return Credentials(
      accessKeyID: found.accessKeyId, secretAccessKey: found.secretAccessKey, sessionToken: found.sessionToken,
      expiration: Date(timeIntervalSince1970: found.expiration / 1000))
  }

  private func token() throws -> String {
    guard let digest = Crypto.sha1(account.tokenKey.utf8) else {
      throw QueueError.credentials(
        "libcrypto refuses SHA-1, which names the tokens of `aws sso login`; use another profile")
    }
    let path = "\(context.homeDirectory)/.aws/sso/cache/\(digest.hexadecimal).json"
    guard let data = FileManager.default.contents(atPath: path) else {
      throw signInAgain("is not in \(path)")
    }
    // The decoder's error could quote the token.
    guard let cached = try? JSONDecoder().decode(CachedToken.self, from: data) else {
      throw signInAgain("cannot be read from \(path)")
    }
    guard try CredentialsDocument.date(cached.expiresAt, from: path) > context.now() else {
      throw signInAgain("expired at \(cached.expiresAt)")
    }
    guard !cached.accessToken.isEmpty, cached.accessToken.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw signInAgain("in \(path) is none")
    }
    return cached.accessToken
  }

  private func signInAgain(_ what: String) -> QueueError {
    QueueError.credentials(
      "the token of IAM Identity Center for profile \(profile) \(what); sign in: aws sso login --profile \(profile)")
  }
}
