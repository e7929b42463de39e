import Foundation
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("The contract of queues")
struct QueueContractTests {
  /// `make test` starts an SQS-compatible server and names it here.
  static let endpoint = ProcessInfo.processInfo.environment["SQS_TEST_ENDPOINT"]

  @Test("the queue in memory keeps it")
  func inMemory() async throws {
    let deadLetters = InMemoryQueue("dlq")
    try await QueueContract.check(InMemoryQueue("queue", redrive: .init(to: deadLetters, maxReceiveCount: 2)))
  }

  @Test(
    "SQS's client keeps it, over HTTP",
    .enabled(if: endpoint != nil, "SQS_TEST_ENDPOINT names no server; `make test` starts one"))
  func sqs() async throws {
    struct CreateQueue: Encodable {
      var QueueName: String
      var Attributes: [String: String]?
    }
    let credentials = CredentialsChain([SQSClientTests.Fixed()])
    let endpoint = try #require(URL(string: Self.endpoint ?? ""))
    let client = SQSClient(
      endpoint: endpoint, region: "us-east-1", credentials: credentials,
      http: CurlClient())
    @Sendable func create(_ name: String, _ attributes: [String: String]? = nil) async throws -> String {
      let answer = try await client.call("CreateQueue", CreateQueue(QueueName: name, Attributes: attributes))
      let result = try JSONDecoder().decode(Wire.QueueUrlResult.self, from: Data(answer))
      return result.QueueUrl
    }
    let name = "contract-\(UUID().uuidString)"
    let account = try await create("\(name)-dlq").split(separator: "/").dropLast().last ?? ""
    let policy = #"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:\#(account):\#(name)-dlq","maxReceiveCount":2}"#
    let url = try await create(name, ["RedrivePolicy": policy])
    try await QueueContract.check(SQSQueue(url: url, client: client, logger: quietLogger))
  }
}
