import Foundation
import LocalQueue
import ServiceLifecycle
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
    "SQS's client keeps it, over HTTP, with the server that is named",
    .enabled(if: endpoint != nil, "SQS_TEST_ENDPOINT names no server; `make test` starts one"))
  func namedServer() async throws {
    try await check(endpoint: Self.endpoint ?? "")
  }

  @Test("SQS's client keeps it, over HTTP, with the local queue")
  func localQueue() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "contract-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var configuration = LocalQueueServer.Configuration(directory: folder.path)
    configuration.port = 0
    let ready = Watched<LocalQueueServer.Ready?>(nil)
    let server = LocalQueueServer(configuration: configuration, logger: quietLogger) { value in
      ready.update { $0 = value }
    }
    let services = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: quietLogger))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await services.run() }
      try await ready.wait { $0 != nil }
      try await check(endpoint: ready.value?.endpoint ?? "")
      await services.triggerGracefulShutdown()
      try await group.waitForAll()
    }
  }

  /// On queues that are new on the server.
  private func check(endpoint: String) async throws {
    struct CreateQueue: Wire.Request {
      var QueueName: String
      var Attributes: [String: String]?

      func write(to json: inout JSONWriter) {
        json.object { json in
          json.member("QueueName", QueueName)
          guard let Attributes else { return }
          json.name("Attributes")
          json.object { for (name, value) in Attributes { $0.member(name, value) } }
        }
      }
    }
    let credentials = CredentialsChain([SQSClientTests.Fixed()])
    let endpoint = try #require(URL(string: endpoint))
    let client = SQSClient(
      endpoint: endpoint, region: "us-east-1", credentials: credentials,
      execute: CurlClient().execute)
    @Sendable func create(_ name: String, _ attributes: [String: String]? = nil) async throws -> String {
      let answer = try await client.call("CreateQueue", CreateQueue(QueueName: name, Attributes: attributes))
      let result = try JSONDecoder().decode(Wire.QueueUrlResult.self, from: Data(answer.body))
      return result.QueueUrl
    }
    let name = "contract-\(UUID().uuidString)"
    let account = try await create("\(name)-dlq").split(separator: "/").dropLast().last ?? ""
    let policy = #"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:\#(account):\#(name)-dlq","maxReceiveCount":2}"#
    let url = try await create(name, ["RedrivePolicy": policy])
    try await QueueContract.check(SQSQueue(url: url, client: client, logger: quietLogger))
  }
}
