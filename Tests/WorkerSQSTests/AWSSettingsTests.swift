import Foundation
import Testing
import WorkerKit

@testable import WorkerSQS

@Suite("What the environment and the shared files say of AWS", .timeLimit(.minutes(20)))
struct AWSSettingsTests {
  struct BotocoreCase: Decodable {
    var configFile, credentialsFile: String
    var environment: [String: String]
    var hasProfile: Bool
    var region: String?
    var credentials: [String?]?
    var endpoints: [String: String]?
  }

  let harness: CredentialsHarness

  init() throws {
    harness = try CredentialsHarness()
  }

  func settings(_ environment: [String: String] = [:]) -> AWSSettings { harness.context(environment).settings }

  @Test("botocore finds the same profiles, keys, regions and endpoints in the same files")
  func botocore() async throws {
    let url = try #require(Bundle.module.url(forResource: "botocore-settings", withExtension: "json"))
    let cases = try JSONDecoder().decode([BotocoreCase].self, from: Data(contentsOf: url))
    #expect(cases.count > 80)
    for each in cases {
      try harness.write(each.configFile, to: ".aws/config")
      try harness.write(each.credentialsFile, to: ".aws/credentials")
      let settings = settings(each.environment)
      let comment = Comment(rawValue: "\(each)")
      let hasProfile = try SharedProfiles(settings)[try settings.profile] != nil
      // Without a name botocore goes on with no profile.
      #expect(hasProfile == each.hasProfile || each.environment["AWS_PROFILE"] == nil, comment)
      guard each.hasProfile else { continue }
      #expect(try settings.region() == each.region, comment)
      for (service, name) in [(AWSSettings.Service.sqs, "SQS"), (.sts, "STS"), (.sso, "SSO"), (.ssoOIDC, "SSO_OIDC")] {
        let found: String?
        do {
          found = try settings.endpoint(of: service)?.url.absoluteString
        } catch let error as QueueError {
          #expect(error.message.contains("names services missing"), comment)
          found = "error"
        }
        // Requests go to a path below it, by which a slash at the end means nothing.
        let expected = each.endpoints?[name].map { $0.hasSuffix("/") || $0 == "error" ? $0 : "\($0)/" }
        #expect(found == expected, comment)
      }
      let provider = SharedFileCredentials(harness.context(each.environment))
      let credentials = try await provider.credentials()
      #expect(
        credentials.map { [$0.accessKeyID, $0.secretAccessKey, $0.sessionToken] } == each.credentials, comment)
    }
  }

  @Test(
    "the region is AWS_REGION's, AWS_DEFAULT_REGION's, the profile's, the URL's, and us-east-1 at last",
    arguments: [
      (["AWS_REGION": "eu-west-1\n", "AWS_DEFAULT_REGION": "eu-west-2"], "eu-west-1"),
      (["AWS_REGION": " ", "AWS_DEFAULT_REGION": "eu-west-2"], "eu-west-2"), ([:], "eu-west-3"),
      (["AWS_PROFILE": "bot"], "eu-west-4"), (["AWS_DEFAULT_PROFILE": "bot"], "eu-west-4"),
      (["AWS_PROFILE": "silent", "AWS_DEFAULT_PROFILE": "bot"], "eu-south-1"),
      (["AWS_PROFILE": "nobody"], "eu-south-1"),
    ])
  func region(environment: [String: String], expected: String) throws {
    try harness.write(
      "[default]\nregion = eu-west-3\n[profile bot]\nregion = eu-west-4\n[profile silent]\noutput = json\n",
      to: ".aws/config")
    let settings = settings(environment)
    #expect(try settings.region(ofQueueAt: "https://sqs.eu-south-1.amazonaws.com/1/prizes") == expected)
    let local = try settings.region(ofQueueAt: "http://localhost:4566/000000000000/prizes")
    #expect(local == (expected == "eu-south-1" ? "us-east-1" : expected))
  }

  @Test(
    "what is no region, or no address, is named where it comes from, without a password",
    arguments: [
      (["AWS_REGION": "eu-west-1.example.org/"], "AWS_REGION must be a region such as eu-central-1"),
      (["AWS_REGION": "eu-\nwest-1"], "AWS_REGION holds a line break"),
      (["AWS_PROFILE": "bad"], "`region` of profile bad must be a region"),
    ])
  func badRegion(environment: [String: String], expected: String) throws {
    try harness.write("[profile bad]\nregion = EU\n", to: ".aws/config")
    #expect { try settings(environment).region() } throws: { ($0 as? QueueError)?.message.hasPrefix(expected) == true }
  }

  @Test(
    "an endpoint that is no address is named where it comes from, without a password",
    arguments: [
      (["AWS_ENDPOINT_URL_SQS": "ftp://user:s3cret@b"], "AWS_ENDPOINT_URL_SQS must be an address such as"),
      (["AWS_ENDPOINT_URL": "localhost:4566"], "AWS_ENDPOINT_URL must be an address such as"),
      (["AWS_ENDPOINT_URL": "http://b/\r\nX: s3cret"], "AWS_ENDPOINT_URL holds a line break"),
      (["AWS_PROFILE": "bad"], "endpoint_url of profile bad must be an address such as"),
    ])
  func badEndpoint(environment: [String: String], expected: String) throws {
    try harness.write("[profile bad]\nendpoint_url = //user:s3cret@b\n", to: ".aws/config")
    #expect {
      try settings(environment).endpoint(of: .sqs)
    } throws: { error in
      guard let message = (error as? QueueError)?.message else { return false }
      return message.hasPrefix(expected) && !message.contains("s3cret")
    }
  }

  @Test("the files are read only where no variable decides")
  func unread() throws {
    try harness.write("\u{0}", to: ".aws/config")
    let settings = settings(["AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_SQS": "http://b"])
    #expect(try settings.region() == "eu-west-1")
    #expect(try settings.endpoint(of: .sqs)?.url.absoluteString == "http://b/")
    #expect(throws: QueueError.self) { try settings.endpoint(of: .sts) }
  }
}
