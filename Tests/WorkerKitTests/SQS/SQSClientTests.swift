import Foundation
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Calling SQS", .timeLimit(.minutes(1)))
struct SQSClientTests {
  let server: ScriptedServer
  let clock = ManualClock()

  init() throws {
    server = try ScriptedServer()
  }

  struct Fixed: CredentialsProvider {
    let name = "fixed"
    func credentials() -> Credentials? { Credentials(accessKeyID: "AKID", secretAccessKey: "hush") }
  }

  func client(now: Date = Date(timeIntervalSince1970: 1_800_000_000)) throws -> SQSClient {
    SQSClient(
      endpoint: try #require(URL(string: server.url)), region: "us-east-1", credentials: CredentialsChain([Fixed()]),
      execute: CurlClient().execute, clock: WorkerClock(clock), random: { 0.5 }, now: { now })
  }

  func queue() throws -> SQSQueue {
    SQSQueue(url: "\(server.url)000000000000/prizes", client: try client(), logger: quietLogger)
  }

  static let throttled = ScriptedServer.Answer(
    status: 403, headers: ["x-amzn-query-error": "RequestThrottled;Sender"], body: "<html>slow down</html>")
  static let broken = ScriptedServer.Answer(status: 503)

  @Test("a request is AWS JSON 1.0, and signed for its host")
  func request() async throws {
    try await server.answer(.init(body: "{}"))
    _ = try await client().call("GetQueueUrl", Wire.GetQueueUrl(QueueName: "q"))
    let request = try await server.nextRequest()
    #expect(request.headers["X-Amz-Target"] == "AmazonSQS.GetQueueUrl")
    #expect(request.headers["Content-Type"] == "application/x-amz-json-1.0")
    #expect(request.headers["Host"] == "127.0.0.1:\(server.port)")
    #expect(request.headers["X-Amz-Date"] == "20270115T080000Z")
    #expect(request.headers["Authorization"]?.contains("AKID/20270115/us-east-1/sqs/aws4_request") == true)
    #expect(request.headers["Authorization"]?.contains("hush") == false)
    #expect(request.body == #"{"QueueName":"q"}"#)
  }

  @Test("what may pass is tried three times, with the SDKs' waits")
  func transient() async throws {
    try await server.answer(.init(act: "cut"), Self.broken, .init(body: #"{"QueueUrl":"u"}"#))
    async let answer = client().call("GetQueueUrl", Wire.GetQueueUrl(QueueName: "q"))
    for wait in [25, 50] {
      try await clock.untilSleeping(for: .milliseconds(wait))
      clock.advance(by: .milliseconds(wait))
    }
    #expect(String(decoding: try await answer.body, as: UTF8.self) == #"{"QueueUrl":"u"}"#)
  }

  @Test("throttling waits longer")
  func throttling() async throws {
    try await server.answer(Self.throttled, Self.throttled, Self.throttled)
    let client = try client()
    async let answer = Result<HTTPResponse, any Error> {
      try await client.call("GetQueueUrl", Wire.GetQueueUrl(QueueName: "q"))
    }
    for wait in [500, 1000] {
      try await clock.untilSleeping(for: .milliseconds(wait))
      clock.advance(by: .milliseconds(wait))
    }
    let error = try #require(await answer.failure as? QueueError)
    #expect(error.kind == .throttled)
    #expect(error.code.rawValue == "RequestThrottled")
  }

  @Test("what is wrong for good is not tried again")
  func permanent() async throws {
    try await server.answer(
      .init(
        status: 400,
        headers: ["x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender", "x-amzn-RequestId": "r-1"],
        body: #"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#))
    await #expect {
      _ = try await client().call("ReceiveMessage", Wire.GetQueueUrl(QueueName: "q"))
    } throws: { error in
      guard let error = error as? QueueError else { return false }
      return error.isQueueMissing && error.requestID == "r-1"
        && error.message
          == "The specified queue does not exist. Check the queue's URL (AWS_SQS_QUEUE_URL), its account and its region."
    }
    _ = try await server.nextRequest()
    try await server.answer(.init(body: "{}"))
    _ = try await client().call("Other", Wire.GetQueueUrl(QueueName: "q"))
    #expect(try await server.nextRequest().headers["X-Amz-Target"] == "AmazonSQS.Other")
  }

  @Test("a clock that is wrong is corrected from the answer's Date, and the call goes through at once")
  func clockSkew() async throws {
    let refused = ScriptedServer.Answer(
      status: 403, headers: ["Date": "Fri, 15 Jan 2027 09:00:00 GMT"],
      body: ##"{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired"}"##)
    try await server.answer(refused, .init(body: "{}"), .init(body: "{}"))
    let client = try client()
    for _ in 1...2 { _ = try await client.call("GetQueueUrl", Wire.GetQueueUrl(QueueName: "q")) }
    var dates: [String?] = []
    for _ in 1...3 { dates.append(try await server.nextRequest().headers["X-Amz-Date"]) }
    #expect(dates == ["20270115T080000Z", "20270115T090000Z", "20270115T090000Z"])
  }

  @Test("a wrong signature under a right clock is not tried again")
  func wrongSecret() async throws {
    let refused = ScriptedServer.Answer(
      status: 403, headers: ["Date": "Fri, 15 Jan 2027 08:00:30 GMT"],
      body: #"{"__type":"SignatureDoesNotMatch","message":"no match"}"#)
    try await server.answer(refused)
    await #expect {
      _ = try await client().call("GetQueueUrl", Wire.GetQueueUrl(QueueName: "q"))
    } throws: { "\($0)".contains("AWS_SECRET_ACCESS_KEY") }
  }

  @Test("a long poll ends at once when its task is cancelled")
  func longPoll() async throws {
    try await server.answer(.init(act: "hold"))
    let queue = try queue()
    let task = Task {
      try await queue.receive(maxMessages: 10, waitTime: .seconds(20), visibilityTimeout: .seconds(30))
    }
    _ = try await server.nextRequest()
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("a batch's failures come back with the entries that they belong to")
  func batchFailures() async throws {
    try await server.answer(
      .init(
        body: #"""
          {"Failed":[{"Id":"1","Code":"ReceiptHandleIsInvalid","SenderFault":true,"Message":"gone"},
                     {"Id":"7","Code":"Strange","SenderFault":false}],
           "Successful":[{"Id":"2"},{"Id":"0"}]}
          """#))
    let results = try await queue().delete(["a", "b", "c", "d"])
    #expect(results.map { $0.failure?.code.rawValue } == [nil, "ReceiptHandleIsInvalid", nil, "InvalidResponse"])
    #expect(results[1].failure?.isLeaseLost == true)
  }

  @Test(
    "an answer that is not SQS's is an error that says so",
    arguments: ["<html>", "[]", "null", #"{"Messages":5}"#, #"{"Messages":[{"Body":5}]}"#, "{\"Messages\":["])
  func garbage(body: String) async throws {
    try await server.answer(.init(body: body))
    await #expect {
      _ = try await queue().receive(maxMessages: 1, waitTime: .zero, visibilityTimeout: .seconds(1))
    } throws: { ($0 as? QueueError)?.code == .invalidResponse }
  }

  @Test(
    "errors are told by the header, else by the type, else by the status",
    arguments: [
      (400, "AccessDenied;Sender", "", "AccessDenied", ErrorKind.badRequest),
      (400, "", #"{"__type":"com.amazonaws.sqs#OverLimit"}"#, "OverLimit", .throttled),
      (400, "", #"{"__type":"QueueDoesNotExist","Message":"m"}"#, "QueueDoesNotExist", .notFound),
      (429, "", "", "HTTP429", .throttled),
      (502, "", "<html>bad gateway</html>", "HTTP502", .unavailable),
      (400, "", #"{"__type":"com.amazonaws.sqs#ThrottlingException"}"#, "ThrottlingException", .throttled),
    ])
  func errors(status: Int, header: String, body: String, code: String, kind: ErrorKind) {
    let response = HTTPResponse(
      status: status, headers: header.isEmpty ? [] : [("x-amzn-query-error", header)], body: Array(body.utf8))
    let error = SQSError.make(response, operation: "DeleteMessageBatch")
    #expect(error.code.rawValue == code)
    #expect(error.kind == kind)
    if error.isAccessDenied { #expect(error.message.contains("sqs:DeleteMessage ")) }
  }

  @Test(
    "a lost lease is recognised in every server's words",
    arguments: [
      ("ReceiptHandleIsInvalid", "m", true), ("ReceiptHandleIsInvalidException", "m", true),
      ("MessageNotInflight", "m", true), ("AWS.SimpleQueueService.MessageNotInflight", "m", true),
      ("MessageNotInflightException", "m", true),
      (
        "InvalidParameterValue", "Value x for parameter ReceiptHandle is invalid. The receipt handle has expired.", true
      ),
      ("InvalidParameterValueException", "The receipt handle has expired.", true),
      ("InvalidParameterValue", "Value 50000 for parameter VisibilityTimeout is invalid.", false),
      ("AccessDenied", "m", false),
    ])
  func lostLease(code: String, message: String, expected: Bool) {
    #expect(QueueError(code: .init(rawValue: code), kind: .badRequest, message: message).isLeaseLost == expected)
  }

  @Test("a body that arrived damaged was not sent")
  func damagedSend() async throws {
    try await server.answer(
      .init(body: #"{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"00000000000000000000000000000000"}]}"#)
    )
    let result = try await queue().send([OutgoingMessage(body: "hello")])
    #expect(result.map { $0.failure?.code } == [.invalidResponse])
  }

  @Test(
    "the endpoint is the queue's own, unless the environment names another",
    arguments: [
      ("https://sqs.us-east-1.amazonaws.com/123/q", [:], "https://sqs.us-east-1.amazonaws.com/"),
      ("http://localhost:4566/000000000000/q", [:], "http://localhost:4566/"),
      ("http://[::1]:4566/000000000000/q", [:], "http://[::1]:4566/"),
      ("http://a/0/q", ["AWS_ENDPOINT_URL": "http://b:1"], "http://b:1/"),
      ("http://a/0/q", ["AWS_ENDPOINT_URL": "http://b:1", "AWS_ENDPOINT_URL_SQS": "https://c/x?y"], "https://c/"),
      ("http://a/0/q", ["AWS_ENDPOINT_URL": ""], "http://a/"),
    ] as [(String, [String: String], String)])
  func endpoint(url: String, environment: [String: String], expected: String) throws {
    #expect(try SQSQueue.endpoint(for: url, environment: environment).absoluteString == expected)
  }

  @Test("messages are sent in parts of ten and of a megabyte")
  func parts() {
    let small = (1...23).map { OutgoingMessage(body: "\($0)") }
    #expect(SQSQueue.parts(small).map(\.count) == [10, 10, 3])
    #expect(SQSQueue.parts(small).flatMap(\.self).map(\.body) == small.map(\.body))
    let large = (1...5).map { _ in OutgoingMessage(body: String(repeating: "x", count: 400_000)) }
    #expect(SQSQueue.parts(large).map(\.count) == [2, 2, 1])
    #expect(SQSQueue.parts([]).isEmpty)
  }
}

extension Result {
  /// As `Result(catching:)`, for what is awaited.
  init(_ body: () async throws(Failure) -> Success) async {
    do {
      self = .success(try await body())
    } catch {
      self = .failure(error)
    }
  }

  var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
