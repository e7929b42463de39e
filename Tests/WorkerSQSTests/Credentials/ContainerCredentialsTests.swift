import Foundation
import HTTPTestSupport
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("Credentials of a container", .timeLimit(.minutes(20)))
struct ContainerCredentialsTests {
  let harness: CredentialsHarness
  let server: ScriptedServer

  init() throws {
    harness = try CredentialsHarness()
    server = try ScriptedServer()
  }

  func answer(_ id: String) -> ScriptedServer.Answer {
    .init(
      body: """
        {"RoleArn": "arn:aws:iam::1:role/bot", "AccessKeyId": "\(id)", "SecretAccessKey": "hush", "Token": "token",
         "Expiration": "\(harness.time(in: 3600))"}
        """)
  }

  @Test("the token's file is read anew each time, and wins over the token in the environment")
  func authorization() async throws {
    let file = try harness.write("Bearer one", to: "token")
    let provider = ContainerCredentials(
      harness.context([
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(server.url)v1/credentials?of=bot",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "other",
      ]))
    try await server.answer(answer("ONE"), answer("TWO"))
    let found = try await provider.credentials()
    #expect(
      found
        == Credentials(
          accessKeyID: "ONE", secretAccessKey: "hush", sessionToken: "token",
          expiration: harness.now.addingTimeInterval(3600)))
    let request = try await server.nextRequest()
    #expect(request.method == "GET")
    #expect(request.path == "/v1/credentials?of=bot")
    #expect(request.headers["Authorization"] == "Bearer one")
    try harness.write("Bearer two", to: "token")
    #expect(try await provider.credentials()?.accessKeyID == "TWO")
    #expect(try await server.nextRequest().headers["Authorization"] == "Bearer two")
  }

  @Test(
    "a token with a line break is refused before anything is sent, and not shown", arguments: ["\nsecret", "\r\nX: y"])
  func lineBreak(end: String) async throws {
    let address = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url]
    let file = try harness.write("secret\(end)", to: "token")
    for variables in [
      ["AWS_CONTAINER_AUTHORIZATION_TOKEN": "secret\(end)"], ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file],
    ] {
      let error = try await harness.chain(address.merging(variables) { $1 }).error()
      #expect(error.message.contains("holds a line break"))
      #expect(!error.message.contains("secret"))
    }
  }

  @Test(
    "secrets are fetched over https, or from the platform's own addresses",
    arguments: [
      ("http://127.0.0.1:8080/x", true), ("http://127.9.8.7/x", true), ("http://localhost/x", true),
      ("http://[::1]:80/x", true), ("http://169.254.170.2/x", true), ("http://169.254.170.23/v1/credentials", true),
      ("http://[fd00:ec2::23]/v1/credentials", true), ("https://credentials.example/x", true),
      ("http://credentials.example/x", false), ("http://127.0.0.1.example/x", false), ("http://10.0.0.1/x", false),
      ("http://169.254.169.254/x", false), ("ftp://127.0.0.1/x", false), ("nonsense", false),
    ])
  func hosts(address: String, isAllowed: Bool) throws {
    let context = harness.context(["AWS_CONTAINER_CREDENTIALS_FULL_URI": address])
    if isAllowed {
      #expect(try ContainerCredentials.endpoint(context)?.absoluteString == address)
    } else {
      #expect(throws: QueueError.self) { try ContainerCredentials.endpoint(context) }
    }
  }

  @Test("a relative address is one of ECS's, and wins")
  func relative() throws {
    let context = harness.context([
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url,
    ])
    #expect(try ContainerCredentials.endpoint(context)?.absoluteString == "http://169.254.170.2/v2/credentials/1")
    let escaping = harness.context(["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "@example.com/x"])
    #expect(throws: QueueError.self) { try ContainerCredentials.endpoint(escaping) }
  }

  @Test("a refusal is told from what may pass")
  func refusals() async throws {
    let chain = harness.chain(["AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url])
    try await server.answer(
      .init(status: 403, body: #"{"code": "AccessDenied", "message": "no role for this pod\nsecond line"}"#),
      .init(status: 500), .init(body: "<html>"), .init(body: #"{"AccessKeyId": "A"}"#))
    let refused = try await chain.error()
    #expect(refused.code == .noCredentials)
    #expect(refused.message.contains("AccessDenied: no role for this pod;"))
    let failed = try await chain.error()
    #expect(failed.code == .credentialsUnavailable)
    #expect(failed.kind == .unavailable)
    #expect(try await chain.error().message.contains("is not JSON"))
    #expect(try await chain.error().message.contains("has no SecretAccessKey"))
  }
}
