import Foundation
import HTTPTestSupport
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("Credentials of an instance", .timeLimit(.minutes(20)))
struct InstanceMetadataCredentialsTests {
  let harness: CredentialsHarness
  let server: ScriptedServer

  init() throws {
    harness = try CredentialsHarness()
    server = try ScriptedServer()
  }

  func environment(_ more: [String: String] = [:]) -> [String: String] {
    ["AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url].merging(more) { $1 }
  }

  func token(_ value: String, lasting seconds: Int = 21_600) -> ScriptedServer.Answer {
    .init(headers: ["x-aws-ec2-metadata-token-ttl-seconds": "\(seconds)"], body: value)
  }

  func role(_ id: String, lasting seconds: TimeInterval = 21_600, code: String = "Success") -> ScriptedServer.Answer {
    .init(
      body: """
        {"Code": "\(code)", "Message": "why", "Type": "AWS-HMAC", "AccessKeyId": "\(id)", "SecretAccessKey": "hush",
         "Token": "token", "Expiration": "\(harness.time(in: seconds))"}
        """)
  }

  let roles = ScriptedServer.Answer(body: "bot\n")

  @Test("a token by PUT, then the role's name, then its credentials")
  func exchange() async throws {
    try await server.answer(token("T1"), roles, role("A"))
    let chain = harness.chain(environment())
    let found = try await chain.credentials()
    #expect(found.accessKeyID == "A")
    #expect(found.expiration == harness.now.addingTimeInterval(21_600))
    let first = try await server.nextRequest()
    #expect(first.method == "PUT")
    #expect(first.path == "/latest/api/token")
    #expect(first.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600")
    for path in ["", "bot"] {
      let request = try await server.nextRequest()
      #expect(request.method == "GET")
      #expect(request.path == "/latest/meta-data/iam/security-credentials/\(path)")
      #expect(request.headers["X-aws-ec2-metadata-token"] == "T1")
    }
  }

  @Test("the token is kept while it lasts")
  func keepsToken() async throws {
    let provider = InstanceMetadataCredentials(harness.context(environment()))
    try await server.answer(
      token("T1", lasting: 600), roles, role("A"), roles, role("B"), token("T2"), roles, role("C"))
    #expect(try await provider.credentials()?.accessKeyID == "A")
    #expect(try await provider.credentials()?.accessKeyID == "B")
    harness.advance(by: 541)
    #expect(try await provider.credentials()?.accessKeyID == "C")
  }

  @Test("a token that is refused is replaced once")
  func refusedToken() async throws {
    let provider = InstanceMetadataCredentials(harness.context(environment()))
    let refusal = ScriptedServer.Answer(status: 401)
    try await server.answer(token("T1"), roles, role("A"), refusal, token("T2"), roles, role("B"))
    #expect(try await provider.credentials()?.accessKeyID == "A")
    #expect(try await provider.credentials()?.accessKeyID == "B")
    try await server.answer(refusal, token("T3"), refusal)
    await #expect { try await provider.credentials() } throws: { "\($0)".contains("HTTP status 401") }
  }

  @Test("where nothing answers, or there is no role, the place has none")
  func nothingHere() async throws {
    let silent = try SilentPort()
    for url in ["http://127.0.0.1:1", silent.url] {
      let nowhere = harness.context(environment(["AWS_EC2_METADATA_SERVICE_ENDPOINT": url]))
      #expect(try await InstanceMetadataCredentials(nowhere).credentials() == nil)
    }
    let provider = InstanceMetadataCredentials(harness.context(environment()))
    for status in [403, 404] {
      try await server.answer(.init(status: status))
      #expect(try await provider.credentials() == nil)
    }
    try await server.answer(token("T1"), .init(status: 404))
    #expect(try await provider.credentials() == nil)
  }

  @Test("switched off, it is not asked, and the error says that it is off")
  func disabled() async throws {
    let error = try await harness.chain(environment(["AWS_EC2_METADATA_DISABLED": "TRUE"])).error()
    #expect(error.message.contains("which AWS_EC2_METADATA_DISABLED switches off"))
  }

  @Test("a token that never comes points at the hop limit")
  func hopLimit() async throws {
    try await server.answer(.init(act: "hold"))
    let error = try await harness.chain(environment()).error()
    #expect(error.code == .connection)
    #expect(error.message.contains("--http-put-response-hop-limit 2"))
  }

  @Test("credentials that come expired are used on for a while, with a warning")
  func expired() async throws {
    try await server.answer(token("T1"), roles, role("A", lasting: -60))
    let found = try await harness.chain(environment()).credentials()
    let left = try #require(found.expiration).timeIntervalSince(harness.now)
    #expect((600...900).contains(left))
    #expect(harness.warnings.contains { $0.contains("returned expired credentials") })
  }

  @Test("what the service says of a role that cannot be assumed is in the error")
  func failure() async throws {
    try await server.answer(token("T1"), roles, role("A", code: "AssumeRoleUnauthorizedAccess"))
    let error = try await harness.chain(environment()).error()
    #expect(error.code == .credentialsUnavailable)
    #expect(error.message.contains("AssumeRoleUnauthorizedAccess: why; check the trust policy of the role bot"))
  }

  @Test("an address or a mode that is none is an error")
  func settings() async throws {
    let cases = [
      ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "nonsense"],
      ["AWS_EC2_METADATA_SERVICE_ENDPOINT": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv5"],
    ]
    for variables in cases {
      let error = try await harness.chain(environment(variables)).error()
      #expect(error.code == .noCredentials)
      #expect(error.message.contains("must be"))
    }
  }
}
