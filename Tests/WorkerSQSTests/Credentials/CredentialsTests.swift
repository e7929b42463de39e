import TestSupport
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("Credentials")
struct CredentialsTests {
  /// An environment whose shared files are those of the test, so that the machine's own stay out of it.
  func environment(_ values: [String: String] = [:], credentials: String = "", config: String = "") throws -> (
    [String: String], [TemporaryFile]
  ) {
    let files = [try TemporaryFile(contents: credentials), try TemporaryFile(contents: config)]
    var environment = values
    environment["AWS_SHARED_CREDENTIALS_FILE"] = files[0].path
    environment["AWS_CONFIG_FILE"] = files[1].path
    environment["AWS_EC2_METADATA_DISABLED"] = "true"
    return (environment, files)
  }

  @Test("the environment comes first")
  func fromEnvironment() async throws {
    let (environment, files) = try environment(
      ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"],
      credentials: "[default]\naws_access_key_id = OTHER\naws_secret_access_key = other\n")
    let found = try await CredentialsChain(environment: environment).credentials()
    #expect(found == Credentials(accessKeyID: "AKID", secretAccessKey: "s", sessionToken: "t"))
    _ = files
  }

  @Test(
    "then comes the profile of the credentials file, then that of the config file",
    arguments: [
      (nil, "CRED-DEFAULT"), ("default", "CRED-DEFAULT"), ("bot", "CRED-BOT"), ("only-config", "CONF-ONLY"),
    ] as [(String?, String)])
  func fromFiles(profile: String?, expected: String) async throws {
    let (environment, files) = try environment(
      profile.map { ["AWS_PROFILE": $0] } ?? [:],
      credentials: """
        # a comment
        [default]
        aws_access_key_id=CRED-DEFAULT
        aws_secret_access_key = s3cr/t+=   ; and a comment
        [ bot ]
        AWS_ACCESS_KEY_ID = CRED-BOT
        aws_secret_access_key = s3cr/t+=
        s3 =
          aws_access_key_id = NESTED
        """,
      config: """
        [default]
        aws_access_key_id = CONF-DEFAULT
        aws_secret_access_key = s3cr/t+=
        [profile only-config]
        region = eu-central-1
        aws_access_key_id = CONF-ONLY
        aws_secret_access_key = s3cr/t+=
        """)
    let found = try await CredentialsChain(environment: environment).credentials()
    #expect(found == Credentials(accessKeyID: expected, secretAccessKey: "s3cr/t+="))
    _ = files
  }

  @Test("where there are none, the error names every place that was looked at")
  func none() async throws {
    let (environment, files) = try environment()
    await #expect {
      _ = try await CredentialsChain(environment: environment).credentials()
    } throws: { error in
      let text = "\(error)"
      return (error as? QueueError)?.code == .noCredentials && text.contains("AWS_ACCESS_KEY_ID")
        && files.allSatisfy { text.contains($0.path) } && text.contains("AWS_WEB_IDENTITY_TOKEN_FILE")
        && text.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI") && text.contains("AWS_EC2_METADATA_DISABLED")
    }
  }

  @Test(
    "half a pair, or a profile that does not exist, is an error rather than a silent next place",
    arguments: [
      (["AWS_ACCESS_KEY_ID": "A"], "AWS_SECRET_ACCESS_KEY is missing"),
      (["AWS_SECRET_ACCESS_KEY": "s"], "AWS_ACCESS_KEY_ID is missing"),
      (["AWS_PROFILE": "nobody"], "AWS_PROFILE names nobody"),
      (["AWS_PROFILE": "half"], "no aws_secret_access_key"),
    ])
  func incomplete(values: [String: String], expected: String) async throws {
    let (environment, files) = try environment(values, credentials: "[half]\naws_access_key_id = A\n")
    await #expect {
      _ = try await CredentialsChain(environment: environment).credentials()
    } throws: { "\($0)".contains(expected) }
    _ = files
  }
}
