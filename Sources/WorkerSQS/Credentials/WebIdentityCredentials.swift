import Foundation
import WorkerKit

/// A role for a token in a file, as provided by EKS service accounts and CI systems: `AWS_WEB_IDENTITY_TOKEN_FILE`,
/// `AWS_ROLE_ARN` and `AWS_ROLE_SESSION_NAME`.
///
/// The file is read for every request, because the platform replaces it before the token expires.
struct WebIdentityCredentials: CredentialsProvider {
  let name = "a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN)"
  private let context: CredentialsContext

  init(_ context: CredentialsContext) {
    self.context = context
  }

  func credentials() async throws -> Credentials? {
    // A role without a token file is ignored: other tools read that variable too.
    guard let file = try context["AWS_WEB_IDENTITY_TOKEN_FILE"] else { return nil }
    guard let arn = try context["AWS_ROLE_ARN"] else {
      throw QueueError.credentials(
        "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN; name the role that the token is for")
    }
    let role = STSClient.Role(arn: arn, sessionName: try Self.sessionName(context))
    return try await Self.assume(role, tokenFile: file, namedBy: "AWS_WEB_IDENTITY_TOKEN_FILE", context)
  }

  static func assume(
    _ role: STSClient.Role, tokenFile: String, namedBy setting: String, _ context: CredentialsContext
  ) async throws -> Credentials {
    let token = try context.secret(inFileAt: tokenFile, namedBy: setting)
    return try await STSClient(context).assume(role, webIdentityToken: token)
  }

  static func sessionName(_ context: CredentialsContext) throws -> String {
    try context["AWS_ROLE_SESSION_NAME"] ?? "swift-queue-worker-\(Int(context.now().timeIntervalSince1970))"
  }
}
