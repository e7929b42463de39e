import Foundation
import HTTPTestSupport
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("Credentials of IAM Identity Center", .timeLimit(.minutes(20)))
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

  // MARK: Renewal

  private static let cached = [
    "startUrl": "https://example.awsapps.com/start", "accessToken": "old-token", "refreshToken": "refresh-1",
    "clientId": "client", "clientSecret": "client-secret", "registrationExpiresAt": "2099-01-01T00:00:00Z",
    "somethingElse": "kept",
  ]

  private var cacheFile: String {
    get throws { ".aws/sso/cache/\(try #require(Crypto.sha1("my-sso".utf8)).hexadecimal).json" }
  }

  private func cache(expiresIn seconds: TimeInterval, _ changes: [String: String?] = [:]) throws {
    var document = Self.cached
    document["expiresAt"] = harness.time(in: seconds)
    for (key, value) in changes { document[key] = value }
    let path = try harness.write(
      String(decoding: try JSONEncoder().encode(document), as: UTF8.self), to: try cacheFile)
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
  }

  private func cachedDocument() throws -> [String: String] {
    try JSONDecoder().decode(
      [String: String].self, from: Data(contentsOf: harness.home.appending(path: try cacheFile)))
  }

  private func renewing() -> CredentialsChain {
    harness.chain([
      "AWS_PROFILE": "session", "AWS_ENDPOINT_URL_SSO": server.url, "AWS_ENDPOINT_URL_SSO_OIDC": "\(server.url)oidc",
    ])
  }

  private static let portal = ScriptedServer.Answer(
    body: """
      {"roleCredentials": {"accessKeyId": "A", "secretAccessKey": "s", "sessionToken": "t", "expiration": 1900000000000}}
      """)

  @Test(
    "a token that has expired, or is about to, is renewed, and its file is written anew for this user alone",
    arguments: [-7200, -1, 899])
  func renewal(left: TimeInterval) async throws {
    try cache(expiresIn: left)
    try await server.answer(
      .init(
        body: #"{"accessToken": "new-token", "expiresIn": 3600, "refreshToken": "refresh-2", "tokenType": "Bearer"}"#),
      Self.portal)
    #expect(try await renewing().credentials().accessKeyID == "A")
    let asked = try await server.nextRequest()
    #expect(asked.method == "POST")
    #expect(asked.path == "/oidc/token")
    #expect(asked.headers["Content-Type"] == "application/json")
    #expect(asked.headers["Authorization"] == nil)
    #expect(
      try JSONDecoder().decode([String: String].self, from: Data(asked.body.utf8)) == [
        "clientId": "client", "clientSecret": "client-secret", "grantType": "refresh_token",
        "refreshToken": "refresh-1",
      ])
    #expect(try await server.nextRequest().headers["x-amz-sso_bearer_token"] == "new-token")
    let expected = Self.cached.merging([
      "accessToken": "new-token", "refreshToken": "refresh-2", "expiresAt": harness.time(in: 3600),
    ]) { $1 }
    #expect(try cachedDocument() == expected)
    let folder = harness.home.appending(path: ".aws/sso/cache").path
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
    let attributes = try FileManager.default.attributesOfItem(atPath: harness.home.appending(path: try cacheFile).path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }

  @Test("a token that is valid for long, or cannot be renewed, is used as it is")
  func unrenewed() async throws {
    for (left, changes) in [
      (901, [:]), (899, ["refreshToken": nil]), (899, ["clientId": nil]), (899, ["clientSecret": nil]),
      (899, ["registrationExpiresAt": "2020-01-01T00:00:00Z"]),
    ] as [(TimeInterval, [String: String?])] {
      try cache(expiresIn: left, changes)
      try await server.answer(Self.portal)
      #expect(try await renewing().credentials().accessKeyID == "A")
      #expect(try await server.nextRequest().headers["x-amz-sso_bearer_token"] == "old-token")
    }
    #expect(harness.warnings == [])
  }

  @Test("where a renewal fails, the token is used while it is valid, and a warning says how to sign in")
  func failingRenewal() async throws {
    try cache(expiresIn: 600)
    try await server.answer(
      .init(status: 400, body: #"{"error": "invalid_grant", "error_description": "Invalid refresh token provided"}"#),
      Self.portal)
    #expect(try await renewing().credentials().accessKeyID == "A")
    _ = try await server.nextRequest()
    #expect(try await server.nextRequest().headers["x-amz-sso_bearer_token"] == "old-token")
    let warning = try #require(harness.warnings.first)
    #expect(warning.contains("aws sso login") && warning.contains("invalid_grant"))
    #expect(!warning.contains("refresh-1") && !warning.contains("old-token"))
  }

  @Test("after it has expired, a refused renewal says how to sign in, and one that found no answer may pass")
  func refusedRenewal() async throws {
    try cache(expiresIn: -1)
    try await server.answer(.init(status: 400, body: #"{"error": "invalid_grant"}"#), .init(status: 500))
    let refused = try await renewing().error()
    #expect(refused.code == .noCredentials)
    #expect(refused.message.contains("expired at") && refused.message.contains("invalid_grant"))
    #expect(refused.message.contains("sign in: aws sso login --profile session"))
    #expect(try await renewing().error().code == .credentialsUnavailable)
    #expect(try cachedDocument()["accessToken"] == "old-token")
  }

  @Test("a token that another process has renewed meanwhile is used, though the old refresh token is used up")
  func renewedByAnother() async throws {
    try cache(expiresIn: -1)
    try await server.answer(.init(act: "wait"))
    let chain = renewing()
    let found = Task { try await chain.credentials() }
    _ = try await server.nextRequest()
    try cache(expiresIn: 3600, ["accessToken": "their-token"])
    try await server.answer(.init(status: 400, body: #"{"error": "invalid_grant"}"#), Self.portal)
    #expect(try await found.value.accessKeyID == "A")
    #expect(try await server.nextRequest().headers["x-amz-sso_bearer_token"] == "their-token")
  }

  @Test("a session is found by the name that `aws configure` writes in quotes, single or double")
  func quotedNames() async throws {
    for quote in ["'", "\""] {
      try harness.write(
        """
        [profile \(quote)my dev\(quote)]
        sso_session = Acme Games Ltd
        sso_account_id = 123456789012
        sso_role_name = Bot
        [sso-session \(quote)Acme Games Ltd\(quote)]
          sso_region = eu-west-1
          sso_start_url = https://example.awsapps.com/start
        """, to: ".aws/config")
      try signIn("Acme Games Ltd", expiresAt: harness.time(in: 3600))
      try await server.answer(Self.portal)
      #expect(try await chain("my dev").credentials().accessKeyID == "A")
      _ = try await server.nextRequest()
    }
  }
}
