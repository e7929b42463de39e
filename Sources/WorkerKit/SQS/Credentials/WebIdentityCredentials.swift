import Foundation

/// A role that a token in a file opens, as EKS's service accounts and CI systems have one:
/// `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN` and `AWS_ROLE_SESSION_NAME`.
///
/// The file is read anew each time, since whoever wrote it replaces it before the token expires.
struct WebIdentityCredentials: CredentialsProvider {
  let name = "a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN)"
  private let context: CredentialsContext

  init(_ context: CredentialsContext) {
    self.context = context
  }

  func credentials() async throws -> Credentials? {
    // A role alone says nothing: other tools read that variable too.
    guard let file = context["AWS_WEB_IDENTITY_TOKEN_FILE"] else { return nil }
    guard let arn = context["AWS_ROLE_ARN"] else {
      throw QueueError.credentials(
        "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN; name the role that the token is for")
    }
    let role = STSClient.Role(arn: arn, sessionName: Self.sessionName(context))
    return try await Self.assume(role, tokenFile: file, namedBy: "AWS_WEB_IDENTITY_TOKEN_FILE", context)
  }

  static func assume(
    _ role: STSClient.Role, tokenFile: String, namedBy setting: String, _ context: CredentialsContext
  ) async throws -> Credentials {
    let token = try context.contents(ofFileAt: tokenFile, namedBy: setting)
      .trimmingCharacters(in: .whitespacesAndNewlines)
    guard !token.isEmpty else {
      throw QueueError.credentials("\(setting) names \(tokenFile), which is empty; it must hold the token")
    }
    return try await STSClient(context).assume(role, webIdentityToken: token)
  }

  static func sessionName(_ context: CredentialsContext) -> String {
    context["AWS_ROLE_SESSION_NAME"] ?? "swift-queue-worker-\(Int(context.now().timeIntervalSince1970))"
  }
}
