import Foundation
import HTTPTestSupport
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("Credentials of roles", .timeLimit(.minutes(20)))
struct RoleCredentialsTests {
  static let arn = "arn:aws:iam::123456789012:role/bot"

  let harness: CredentialsHarness
  let server: ScriptedServer

  init() throws {
    harness = try CredentialsHarness()
    server = try ScriptedServer()
  }

  func chain(_ environment: [String: String] = [:], config: String = "") throws -> CredentialsChain {
    try harness.write(config, to: ".aws/config")
    return harness.chain(["AWS_ENDPOINT_URL_STS": server.url].merging(environment) { $1 })
  }

  @Test("a web identity token opens a role, unsigned; the file is read anew each time")
  func webIdentity() async throws {
    let file = try harness.write("token+one\n", to: "token")
    let chain = try chain([
      "AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ROLE_ARN": Self.arn, "AWS_ROLE_SESSION_NAME": "worker-1",
    ])
    try await server.answer(
      stsAnswer("A", expiration: harness.time(in: 3600)), stsAnswer("B", expiration: harness.time(in: 7200)))
    let found = try await chain.credentials()
    #expect(
      found
        == Credentials(
          accessKeyID: "A", secretAccessKey: "hush/A", sessionToken: "tok&en",
          expiration: harness.now.addingTimeInterval(3600)))
    let request = try await server.nextRequest()
    #expect(request.headers["Authorization"] == nil)
    #expect(
      formValues(request.body) == [
        "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": Self.arn,
        "RoleSessionName": "worker-1", "WebIdentityToken": "token+one",
      ])
    try harness.write("token-two", to: "token")
    await chain.forget(found)
    #expect(try await chain.credentials().accessKeyID == "B")
    #expect(formValues(try await server.nextRequest().body)["WebIdentityToken"] == "token-two")
  }

  @Test("keys in the environment come before a web identity token, and that before the files")
  func precedence() async throws {
    let file = try harness.write("token", to: "token")
    let config = "[default]\naws_access_key_id = FILE\naws_secret_access_key = hush\n"
    let identity = ["AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ROLE_ARN": Self.arn]
    let keys = ["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "hush"]
    #expect(try await chain(identity.merging(keys) { $1 }, config: config).credentials().accessKeyID == "ENV")
    try await server.answer(stsAnswer("STS", expiration: harness.time(in: 3600)))
    #expect(try await chain(identity, config: config).credentials().accessKeyID == "STS")
    let container = ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"]
    #expect(try await chain(container, config: config).credentials().accessKeyID == "FILE")
  }

  @Test("what is wrong with a web identity is said, without the token")
  func webIdentityErrors() async throws {
    let file = try harness.write("secret-token", to: "token")
    #expect(
      try await chain(["AWS_WEB_IDENTITY_TOKEN_FILE": file]).error().message.contains("without AWS_ROLE_ARN"))
    let missing = ["AWS_WEB_IDENTITY_TOKEN_FILE": "\(file)-not", "AWS_ROLE_ARN": Self.arn]
    #expect(
      try await chain(missing).error().message.contains(
        "the file \(file)-not that AWS_WEB_IDENTITY_TOKEN_FILE names cannot be read"))
    try await server.answer(
      .init(
        status: 400,
        body: """
          <ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code>
          <Message>No OpenIDConnect provider found &lt;here&gt;</Message></Error></ErrorResponse>
          """), .init(status: 503, body: "<html>"), .init(body: "<html>secret-token</html>"))
    let chain = try chain(["AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_ROLE_ARN": Self.arn])
    let refused = try await chain.error()
    #expect(refused.code == .noCredentials)
    #expect(refused.message.contains("InvalidIdentityToken: No OpenIDConnect provider found <here>; check the role's"))
    let failed = try await chain.error()
    #expect(failed.code == .credentialsUnavailable)
    let foreign = try await chain.error()
    #expect(foreign.message.contains("is not STS's"))
    for error in [refused, failed, foreign] { #expect(!error.message.contains("secret-token")) }
  }

  @Test("a role of a profile is assumed with its source_profile's credentials, through as many as it takes")
  func sourceProfile() async throws {
    let chain = try chain(
      ["AWS_PROFILE": "outer"],
      config: """
        [profile outer]
        role_arn = \(Self.arn)-outer
        source_profile = inner
        external_id = e/1
        role_session_name = me
        duration_seconds = 900
        [profile inner]
        role_arn = \(Self.arn)-inner
        source_profile = keys
        [profile keys]
        aws_access_key_id = KEYS
        aws_secret_access_key = hush
        """)
    try await server.answer(
      stsAnswer("INNER", expiration: harness.time(in: 3600)), stsAnswer("OUTER", expiration: harness.time(in: 900)))
    #expect(try await chain.credentials().accessKeyID == "OUTER")
    let inner = try await server.nextRequest()
    #expect(inner.headers["Authorization"]?.contains("Credential=KEYS/20270115/eu-central-1/sts/aws4_request") == true)
    #expect(formValues(inner.body)["RoleSessionName"] == "swift-queue-worker-1800000000")
    let outer = try await server.nextRequest()
    #expect(outer.headers["Authorization"]?.contains("Credential=INNER/") == true)
    #expect(outer.headers["X-Amz-Security-Token"] == "tok&en")
    #expect(
      formValues(outer.body) == [
        "Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "\(Self.arn)-outer", "RoleSessionName": "me",
        "ExternalId": "e/1", "DurationSeconds": "900",
      ])
  }

  @Test("a profile that names itself means the keys beside the role")
  func ownKeys() async throws {
    let chain = try chain(
      config: """
        [default]
        role_arn = \(Self.arn)
        source_profile = default
        aws_access_key_id = OWN
        aws_secret_access_key = hush
        """)
    try await server.answer(stsAnswer("A", expiration: harness.time(in: 3600)))
    #expect(try await chain.credentials().accessKeyID == "A")
    #expect(try await server.nextRequest().headers["Authorization"]?.contains("Credential=OWN/") == true)
  }

  @Test(
    "credential_source names a place that is asked for the credentials",
    arguments: ["EcsContainer", "Ec2InstanceMetadata"])
  func credentialSource(source: String) async throws {
    let place = try ScriptedServer()
    let chain = try chain(
      [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": place.url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": place.url,
        "AWS_EC2_METADATA_DISABLED": "false",
      ],
      config: "[default]\nrole_arn = \(Self.arn)\ncredential_source = \(source)\n")
    if source == "Ec2InstanceMetadata" { try await place.answer(.init(body: "TOKEN"), .init(body: "bot")) }
    try await place.answer(
      .init(
        body: """
          {"AccessKeyId": "PLACE", "SecretAccessKey": "hush", "Token": "t", "Expiration": "\(harness.time(in: 60))"}
          """))
    try await server.answer(stsAnswer("A", expiration: harness.time(in: 3600)))
    #expect(try await chain.credentials().accessKeyID == "A")
    #expect(try await server.nextRequest().headers["Authorization"]?.contains("Credential=PLACE/") == true)
  }

  @Test("a profile can have a web identity token of its own")
  func webIdentityOfProfile() async throws {
    let file = try harness.write("token", to: "token")
    let chain = try chain(config: "[default]\nrole_arn = \(Self.arn)\nweb_identity_token_file = \(file)\n")
    try await server.answer(stsAnswer("A", expiration: harness.time(in: 3600)))
    #expect(try await chain.credentials().accessKeyID == "A")
    #expect(formValues(try await server.nextRequest().body)["WebIdentityToken"] == "token")
  }

  @Test(
    "a profile that cannot work is an error that names what to set right",
    arguments: [
      ("role_arn = r", "a role_arn with nothing to assume it by"),
      ("role_arn = r\nsource_profile = x\ncredential_source = Environment", "source_profile and credential_source"),
      ("role_arn = r\nsource_profile = nobody", "profile default names source_profile nobody, which neither"),
      ("role_arn = r\nsource_profile = empty", "which has no credentials"),
      ("role_arn = r\nsource_profile = loop", "(default → loop → default)"),
      ("role_arn = r\nsource_profile = default", "(default → default)"),
      ("role_arn = r\ncredential_source = Ecs", "must be Environment, EcsContainer or Ec2InstanceMetadata"),
      ("role_arn = r\ncredential_source = Environment", "there are none in the environment"),
      ("role_arn = r\nsource_profile = x\nduration_seconds = 60", "must be from 900 to 43200, but it is `60`"),
      ("role_arn = r\nsource_profile = x\nmfa_serial = m", "cannot be asked for a code"),
    ])
  func broken(settings: String, expected: String) async throws {
    let chain = try chain(
      config: "[default]\n\(settings)\n[profile loop]\nrole_arn = r\nsource_profile = default\n[profile empty]\n")
    let error = try await chain.error()
    #expect(error.code == .noCredentials)
    #expect(error.message.contains(expected), "\(error.message)")
  }

  @Test(
    "what STS refuses is said with the next step",
    arguments: [
      ("AccessDenied", "may sts:AssumeRole"), ("ExpiredToken", "renew the credentials"),
      ("SignatureDoesNotMatch", "this machine's clock"),
    ])
  func refusals(code: String, expected: String) async throws {
    let chain = try chain(
      config: """
        [default]
        role_arn = \(Self.arn)
        source_profile = default
        aws_access_key_id = OWN
        aws_secret_access_key = hush
        """)
    try await server.answer(
      .init(
        status: 403, body: "<ErrorResponse><Error><Code>\(code)</Code><Message>No.</Message></Error></ErrorResponse>"))
    let error = try await chain.error()
    #expect(error.code == .noCredentials && error.status == 403)
    #expect(error.message.contains("STS (AssumeRole of \(Self.arn)), which answers \(code): No.; "))
    #expect(error.message.contains(expected))
    #expect(!error.message.contains("hush"))
  }

  @Test("STS is the region's own, unless the environment names another")
  func endpoints() throws {
    func endpoint(_ region: String, _ environment: [String: String] = [:]) throws -> String {
      let context = CredentialsContext(environment: environment, region: region)
      return try STSClient(context).endpoint().absoluteString
    }
    #expect(try endpoint("eu-west-1") == "https://sts.eu-west-1.amazonaws.com/")
    #expect(try endpoint("cn-north-1") == "https://sts.cn-north-1.amazonaws.com.cn/")
    let both = ["AWS_ENDPOINT_URL": "http://all:1", "AWS_ENDPOINT_URL_STS": "http://sts:2"]
    #expect(try endpoint("eu-west-1", both) == "http://sts:2/")
    #expect(try endpoint("eu-west-1", ["AWS_ENDPOINT_URL": "http://all:1"]) == "http://all:1/")
    #expect(throws: QueueError.self) { try endpoint("eu-west-1", ["AWS_ENDPOINT_URL": "nonsense"]) }
  }
}
