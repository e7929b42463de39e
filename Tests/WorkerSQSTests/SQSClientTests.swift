import Foundation
import HTTPTestSupport
import TestSupport
import Testing
import WorkerHTTP
import WorkerKit
import WorkerTesting

@testable import WorkerSQS

@Suite("Calling SQS", .timeLimit(.minutes(20)))
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
    async let answer = Result<HTTPClientResponse, any Error> {
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
    let response = HTTPClientResponse(
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
      .init(
        body: #"{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"00000000000000000000000000000000"}]}"#),
      .init(body: #"{"MessageId":"m","MD5OfMessageBody":"00000000000000000000000000000000"}"#))
    let queue = try queue()
    let two = try await queue.send([OutgoingMessage(body: "hello"), OutgoingMessage(body: "there")])
    #expect(two.map { $0.failure?.code } == [.invalidResponse, .invalidResponse])
    let one = try await queue.send([OutgoingMessage(body: "hello")])
    #expect(one.map { $0.failure?.code } == [.invalidResponse])
  }

  @Test("one message is sent by SendMessage, which every server has, and more by SendMessageBatch")
  func sendsOne() async throws {
    try await server.answer(
      .init(body: #"{"MessageId":"m","MD5OfMessageBody":"5d41402abc4b2a76b9719d911017c592","SequenceNumber":null}"#),
      .init(body: #"{"Successful":[{"Id":"0","MessageId":"a"},{"Id":"1","MessageId":"b"}],"Failed":null}"#))
    let queue = try queue()
    #expect(try await queue.send([OutgoingMessage(body: "hello", groupID: "g")]).map { try $0.get() } == ["m"])
    let one = try await server.nextRequest()
    #expect(one.headers["X-Amz-Target"] == "AmazonSQS.SendMessage")
    #expect(
      one.body == #"{"QueueUrl":"\#(server.url)000000000000/prizes","MessageBody":"hello","MessageGroupId":"g"}"#)
    let two = [OutgoingMessage(body: "a"), OutgoingMessage(body: "b")]
    #expect(try await queue.send(two).map { try $0.get() } == ["a", "b"])
    #expect(try await server.nextRequest().headers["X-Amz-Target"] == "AmazonSQS.SendMessageBatch")
  }

  @Test(
    "a refusal of one message is its outcome, as an entry's of a batch is; what is wrong with the queue is an error",
    arguments: [("InvalidMessageContents", true), ("AccessDeniedException", false), ("QueueDoesNotExist", false)])
  func refusesOne(code: String, isOutcome: Bool) async throws {
    try await server.answer(.init(status: 400, body: #"{"__type":"com.amazonaws.sqs#\#(code)","message":"No."}"#))
    let queue = try queue()
    let result = await Result { () async throws -> [Result<String, QueueError>] in
      try await queue.send([OutgoingMessage(body: "hello")])
    }
    switch result {
    case .success(let outcomes): #expect(isOutcome && outcomes.map { $0.failure?.code.rawValue } == [code])
    case .failure(let error): #expect(!isOutcome && (error as? QueueError)?.code.rawValue == code)
    }
  }

  @Test("null is as nothing in every answer")
  func nulls() async throws {
    let whole = """
      {"MessageId":"m1","ReceiptHandle":"h1","Body":"hello","MD5OfBody":null,"MD5OfMessageAttributes":null,
       "Attributes":null,"MessageAttributes":null}
      """
    try await server.answer(
      .init(body: #"{"Messages":null}"#), .init(body: #"{"Messages":[null,\#(whole)],"X":null}"#),
      .init(
        body: #"{"Messages":[{"MessageId":"m2","ReceiptHandle":"h2","Body":null},\#(whole),{"MessageId":null}]}"#),
      .init(body: #"{"Successful":[null,{"Id":"0"}],"Failed":null}"#), .init(body: #"{"Attributes":null}"#),
      .init(body: #"{"Attributes":{"RedrivePolicy":null,"VisibilityTimeout":"7"}}"#))
    let queue = try queue()
    func receive() async throws -> [String] {
      try await queue.receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(30)).map(\.id)
    }
    for expected in [[], ["m1"], ["m1"]] { #expect(try await receive() == expected) }
    #expect(try await queue.delete(["h1"]).map { $0.failure == nil } == [true])
    #expect(try await queue.attributes().redrivePolicy == nil)
    #expect(try await queue.attributes().visibilityTimeout == .seconds(7))
  }

  @Test("an endpoint's path is where requests go, and is signed with them")
  func endpointPath() async throws {
    let environment = [
      "AWS_ENDPOINT_URL_SQS": "\(server.url)sqs", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s",
    ]
    try await server.answer(.init(body: #"{"Attributes":{}}"#))
    let queue = try SQSQueue(
      url: " https://sqs.eu-west-1.amazonaws.com/123456789012/prizes\n", region: "eu-west-1", client: CurlClient(),
      logger: quietLogger, environment: environment)
    #expect(queue.name == "prizes")
    _ = try await queue.attributes()
    let request = try await server.nextRequest()
    #expect(request.path == "/sqs/")
    #expect(request.body.contains(#""QueueUrl":"https://sqs.eu-west-1.amazonaws.com/123456789012/prizes""#))
  }

  @Test(
    "the endpoint is the queue's own, unless the environment names another",
    arguments: [
      ("https://sqs.us-east-1.amazonaws.com/123/q", [:], "https://sqs.us-east-1.amazonaws.com/"),
      ("http://localhost:4566/000000000000/q", [:], "http://localhost:4566/"),
      ("http://[::1]:4566/000000000000/q", [:], "http://[::1]:4566/"),
      ("http://a/0/q", ["AWS_ENDPOINT_URL": "http://b:1"], "http://b:1/"),
      ("http://a/0/q", ["AWS_ENDPOINT_URL": "http://b:1", "AWS_ENDPOINT_URL_SQS": "https://c/x?y"], "https://c/x/"),
      ("http://a/0/q", ["AWS_ENDPOINT_URL": ""], "http://a/"),
      ("http://a/0/q", ["AWS_ENDPOINT_URL": " http://u:p@b:1/x/\n"], "http://b:1/x/"),
      ("http://a/0/q", ["AWS_ENDPOINT_URL": "http://b", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"], "http://a/"),
    ] as [(String, [String: String], String)])
  func endpoint(url: String, environment: [String: String], expected: String) throws {
    let files = ["AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"]
    let endpoint = try QueueInspector.endpoint(of: url, environment: environment.merging(files) { $1 })
    #expect(endpoint.absoluteString == expected)
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
