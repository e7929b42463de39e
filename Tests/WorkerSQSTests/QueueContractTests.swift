import Foundation
import LocalQueue
import ServiceLifecycle
import TestSupport
import Testing
import WorkerHTTP
import WorkerKit
import WorkerTesting

@testable import WorkerSQS

@Suite("The contract of queues")
struct QueueContractTests {
  /// `make test` starts an SQS-compatible server and names it here.
  static let endpoint = ProcessInfo.processInfo.environment["SQS_TEST_ENDPOINT"]

  @Test(
    "SQS's client keeps it, over HTTP, with the server that is named",
    .enabled(if: endpoint != nil, "SQS_TEST_ENDPOINT names no server; `make test` starts one"),
    arguments: QueueContract.checks)
  func namedServer(check: QueueContract.Check) async throws {
    try await withKnownIssue("other people's servers take what SQS refuses", isIntermittent: true) {
      try await run(check, endpoint: Self.endpoint ?? "")
    } when: {
      Self.limits.contains(check.promise)
    }
  }

  private static let limits = [
    "a message that the queue refuses fails alone", "the largest message arrives whole, and a larger one is refused",
  ]

  @Test("SQS's client keeps it, over HTTP, with the local queue", arguments: QueueContract.checks)
  func localQueue(check: QueueContract.Check) async throws {
    try await withLocalQueue { try await run(check, endpoint: $0) }
  }

  @Test("SQS's client keeps the order of groups, over HTTP, with the local queue", arguments: QueueContract.fifoChecks)
  func localFIFOQueue(check: QueueContract.Check) async throws {
    try await withLocalQueue { try await run(check, endpoint: $0, suffix: ".fifo") }
  }

  private func withLocalQueue(_ body: (_ endpoint: String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "contract-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var configuration = LocalQueueServer.Configuration(directory: folder.path)
    configuration.port = 0
    let ready = AsyncValue<LocalQueueServer.Ready?>(nil)
    let server = LocalQueueServer(configuration: configuration, logger: quietLogger) { value in
      ready.update { $0 = value }
    }
    let services = ServiceGroup(configuration: .init(services: [.init(service: server)], logger: quietLogger))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await services.run() }
      try await ready.wait { $0 != nil }
      try await body(ready.value?.endpoint ?? "")
      await services.triggerGracefulShutdown()
      try await group.waitForAll()
    }
  }

  /// On queues that are new on the server.
  private func run(_ check: QueueContract.Check, endpoint: String, suffix: String = "") async throws {
    struct CreateQueue: Wire.Request {
      var QueueName: String
      var Attributes: [String: String]

      func write(to json: inout JSONWriter) {
        json.object { json in
          json.member("QueueName", QueueName)
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
    @Sendable func create(_ name: String, _ attributes: [String: String]) async throws -> String {
      let answer = try await client.call("CreateQueue", CreateQueue(QueueName: name, Attributes: attributes))
      let result = try JSONDecoder().decode(Wire.QueueUrlResult.self, from: Data(answer.body))
      return result.QueueUrl
    }
    let kind = suffix.isEmpty ? [:] : ["FifoQueue": "true"]
    let name = "contract-\(UUID().uuidString)"
    let account = try await create("\(name)-dlq\(suffix)", kind).split(separator: "/").dropLast().last ?? ""
    let deadLetters = "arn:aws:sqs:us-east-1:\(account):\(name)-dlq\(suffix)"
    let policy = ["RedrivePolicy": #"{"deadLetterTargetArn":"\#(deadLetters)","maxReceiveCount":2}"#]
    let url = try await create("\(name)\(suffix)", kind.merging(policy) { $1 })
    try await check.run(on: SQSQueue(url: url, client: client, logger: quietLogger))
  }
}
