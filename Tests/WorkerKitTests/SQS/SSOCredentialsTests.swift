import Foundation
import Testing

@testable import WorkerKit

@Suite("Credentials of IAM Identity Center", .timeLimit(.minutes(1)))
struct SSOCredentialsTests {
  let harness: CredentialsHarness
  let server: ScriptedServer

  init() throws {
    harness = try CredentialsHarness()
    server = try ScriptedServer()
    try harness.write(
      """
      [profile session]
      sso_session = my-sso
      sso_account_id = 123456789012
      sso_role_name = Bot Admin
      [sso-session my-sso]
      sso_region = eu-west-1
      sso_start_url = https://example.awsapps.com/start
      [profile legacy]
      sso_start_url = https://example.awsapps.com/start
      sso_region = eu-west-1
      sso_account_id = 123456789012
      sso_role_name = Bot Admin
      [profile incomplete]
      sso_session = my-sso
      sso_account_id = 123456789012
      [profile lost]
      sso_session = nobody
      """, to: ".aws/config")
  }

  func chain(_ profile: String) -> CredentialsChain {
    harness.chain(["AWS_PROFILE": profile, "AWS_ENDPOINT_URL_SSO": server.url])
  }

  /// Signs in: for the session, or for the start URL of an older configuration.
  func signIn(_ key: String = "my-sso", expiresAt: String) throws {
    let name = try #require(Crypto.sha1(key.utf8)).hexadecimal
    try harness.write(
      #"{"startUrl": "x", "region": "eu-west-1", "accessToken": "bearer-token", "expiresAt": "\#(expiresAt)"}"#,
      to: ".aws/sso/cache/\(name).json")
  }

  @Test(
    "the cached token is traded at the portal",
    arguments: [("session", "my-sso"), ("legacy", "https://example.awsapps.com/start")])
  func trades(profile: String, key: String) async throws {
    try signIn(key, expiresAt: harness.time(in: 60))
    let expiration = harness.now.addingTimeInterval(3600)
    try await server.answer(
      .init(
        body: """
          {"roleCredentials": {"accessKeyId": "A", "secretAccessKey": "hush", "sessionToken": "token",
           "expiration": \(Int(expiration.timeIntervalSince1970) * 1000)}}
          """))
    let found = try await chain(profile).credentials()
    #expect(
      found
        == Credentials(accessKeyID: "A", secretAccessKey: "hush", sessionToken: "token", expiration: expiration))
    let request = try await server.nextRequest()
    #expect(request.path == "/federation/credentials?role_name=Bot%20Admin&account_id=123456789012")
    #expect(request.headers["x-amz-sso_bearer_token"] == "bearer-token")
  }

  @Test("the token's file is the one that the AWS CLI writes")
  func fileName() throws {
    #expect(
      try #require(Crypto.sha1("my-sso".utf8)).hexadecimal == "0ad374308c5a4e22f723adf10145eafad7c4031c")
  }

  @Test("without a token that is good, the error says how to sign in")
  func signInAgain() async throws {
    let hint = "aws sso login --profile session"
    let missing = try await chain("session").error()
    #expect(missing.code == .noCredentials)
    #expect(missing.message.contains(hint) && missing.message.contains("is not in"))
    try signIn(expiresAt: "2020-06-17T20:02:01UTC")
    let expired = try await chain("session").error()
    #expect(expired.message.contains(hint) && expired.message.contains("expired at 2020-06-17"))
    try signIn(expiresAt: harness.time(in: 60))
    try await server.answer(.init(status: 401, body: #"{"message": "Session token not found or invalid"}"#))
    let refused = try await chain("session").error()
    #expect(refused.message.contains(hint) && refused.message.contains("no longer accepted"))
    for error in [missing, expired, refused] { #expect(!error.message.contains("bearer-token")) }
  }

  @Test(
    "what a profile lacks is named",
    arguments: [("incomplete", "lacks sso_role_name"), ("lost", "[sso-session nobody]")])
  func incomplete(profile: String, expected: String) async throws {
    #expect(try await chain(profile).error().message.contains(expected))
  }
}
