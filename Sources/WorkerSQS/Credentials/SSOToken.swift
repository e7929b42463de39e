import Foundation
import Logging
import WorkerHTTP
import WorkerKit

/// The token of IAM Identity Center that `aws sso login` stores in `~/.aws/sso/cache`.
///
/// If the cache contains a refresh token and its client, the token is renewed with OIDC's `CreateToken` in its last 15
/// minutes or after its expiration. The renewed token is written to the file, which other tools share.
struct SSOToken: Sendable {
  /// The keys of the file that are read. All others are preserved.
  private struct Cached: Decodable {
    var accessToken: String
    var expiresAt: String
    var refreshToken: String?
    var clientId: String?
    var clientSecret: String?
    var registrationExpiresAt: String?
  }

  private struct Renewed: Decodable {
    var accessToken: String
    /// The lifetime in seconds.
    var expiresIn: Double
    var refreshToken: String?
  }

  private struct Refusal: Decodable {
    var error: String?
    var description: String?

    private enum CodingKeys: String, CodingKey {
      case error
      case description = "error_description"
    }
  }

  private static let window: TimeInterval = 900

  let account: SSOCredentials.Account
  let profile: String
  let context: CredentialsContext

  /// Returns a valid token.
  ///
  /// - Throws: A ``QueueError`` with the sign-in command if there is no valid token.
  func value() async throws -> String {
    let path = try path()
    let cached = try read(path)
    let expiration = try CredentialsDocument.date(cached.expiresAt, from: path)
    let left = expiration.timeIntervalSince(context.now())
    guard left <= Self.window, let renewal = try renewal(of: cached, path) else {
      guard left > 0 else { throw signInAgain("expired at \(cached.expiresAt)") }
      return try Self.checked(cached.accessToken, path)
    }
    do {
      return try await renew(cached, renewal, path)
    } catch let error as QueueError {
      // Another process may have renewed the token meanwhile, which invalidates the old refresh token.
      if let other = try? read(path), other.accessToken != cached.accessToken,
        let expiration = try? CredentialsDocument.date(other.expiresAt, from: path), expiration > context.now()
      {
        return try Self.checked(other.accessToken, path)
      }
      guard left > 0 else {
        guard error.code == .noCredentials else { throw error }
        throw signInAgain("expired at \(cached.expiresAt), and \(error.message)")
      }
      context.logger.warning(
        "the token of IAM Identity Center could not be renewed; it is used until it expires; to sign in again: aws sso login",
        metadata: ["profile": "\(profile)", "expiration": "\(cached.expiresAt)", "error": "\(error.message)"])
      return try Self.checked(cached.accessToken, path)
    }
  }

  /// The error for a token that is invalid or expired.
  func signInAgain(_ what: String) -> QueueError {
    QueueError.credentials(
      "the token of IAM Identity Center for profile \(profile) \(what); sign in: aws sso login --profile \(profile)")
  }

  // MARK: File

  private func path() throws -> String {
    guard let digest = Crypto.sha1(account.tokenKey.utf8) else {
      throw QueueError.credentials(
        "libcrypto refuses SHA-1, which names the tokens of `aws sso login`; use another profile")
    }
    return "\(context.settings.homeDirectory)/.aws/sso/cache/\(digest.hexadecimal).json"
  }

  private func read(_ path: String) throws -> Cached {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw signInAgain("is not in \(path)")
    }
    // The decoder's error could quote the token.
    guard let cached = try? JSONDecoder().decode(Cached.self, from: data) else {
      throw signInAgain("cannot be read from \(path)")
    }
    return cached
  }

  /// Validates a token, because it is sent in a header.
  private static func checked(_ token: String, _ source: String) throws -> String {
    guard let token = try token.settingValue(from: "the accessToken of \(source)") else {
      throw QueueError.credentials("the accessToken of \(source) is empty; sign in: aws sso login")
    }
    return token
  }

  /// Writes the file for this user only, and atomically, so that a concurrent reader sees the old or the new token.
  private func write(_ renewed: Renewed, expiration: Date, to path: String) throws {
    var document =
      (FileManager.default.contents(atPath: path)
        .flatMap { try? JSONSerialization.jsonObject(with: $0) as? [String: Any] }) ?? [:]
    document["accessToken"] = renewed.accessToken
    document["expiresAt"] = expiration.formatted(.iso8601)
    if let token = renewed.refreshToken { document["refreshToken"] = token }
    let data = try JSONSerialization.data(withJSONObject: document)
    let new = "\(path).\(UUID().uuidString).tmp"
    let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw CocoaError(.fileWriteNoPermission) }
    do {
      let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
      try file.write(contentsOf: data)
      try file.synchronize()
      try file.close()
      guard rename(new, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    } catch {
      unlink(new)
      throw error
    }
  }

  // MARK: Renewal

  private struct Renewal {
    var refreshToken: String
    var clientID: String
    var clientSecret: String
  }

  /// Returns nil if the file lacks the required keys, or if they have expired.
  private func renewal(of cached: Cached, _ path: String) throws -> Renewal? {
    guard let token = cached.refreshToken, let id = cached.clientId, let secret = cached.clientSecret else {
      return nil
    }
    if let end = cached.registrationExpiresAt, try CredentialsDocument.date(end, from: path) <= context.now() {
      return nil
    }
    return Renewal(refreshToken: token, clientID: id, clientSecret: secret)
  }

  private func renew(_ cached: Cached, _ renewal: Renewal, _ path: String) async throws -> String {
    let source = "IAM Identity Center's OIDC (profile \(profile))"
    let asked = context.now()
    let standard = "https://oidc.\(account.region).\(CredentialsContext.domain(of: account.region))/"
    let endpoint = try context.endpoint(of: .ssoOIDC, otherwise: standard)
    let response = try await context.execute(
      HTTPClientRequest(
        method: "POST", url: "\(endpoint.absoluteString)token", headers: [("Content-Type", "application/json")],
        body: Array(
          try JSONEncoder().encode([
            "clientId": renewal.clientID, "clientSecret": renewal.clientSecret, "grantType": "refresh_token",
            "refreshToken": renewal.refreshToken,
          ])), timeout: .seconds(10)),
      source: source)
    guard response.status == 200 else {
      let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(response.body))
      throw QueueError.refusal(
        by: source, status: response.status, code: refusal?.error.map(QueueError.excerpt),
        detail: refusal?.description, advice: "the session may have ended")
    }
    guard let renewed = try? JSONDecoder().decode(Renewed.self, from: Data(response.body)), renewed.expiresIn > 0 else {
      throw QueueError(
        code: .credentialsUnavailable, kind: .unavailable,
        message: "the answer of \(source) is not OIDC's; check sso_region and AWS_ENDPOINT_URL_SSO_OIDC")
    }
    let token = try Self.checked(renewed.accessToken, "the answer of \(source)")
    do {
      try write(renewed, expiration: asked.addingTimeInterval(renewed.expiresIn), to: path)
    } catch {
      context.logger.warning(
        "the renewed token of IAM Identity Center could not be saved; the next renewal may need aws sso login",
        metadata: ["file": "\(path)", "error": "\(error.localizedDescription)"])
    }
    return token
  }
}
