import Foundation
import HTTPTestSupport
import InMemoryTracing
import Metrics
import MetricsTestKit
import TestSupport
import Testing
import Tracing
import WorkerHTTP
import WorkerKit
import WorkerTesting

@testable import WorkerSQS

@Suite("What calls to SQS say in traces and metrics", .timeLimit(.minutes(20)))
struct QueueInstrumentsTests {
  let server: ScriptedServer
  let tracer = InMemoryTracer()
  let metrics = TestMetrics()

  init() throws {
    server = try ScriptedServer()
  }

  func queue(_ tracing: TracingConfiguration = TracingConfiguration()) throws -> SQSQueue {
    let client = SQSClient(
      endpoint: try #require(URL(string: server.url)), region: "us-east-1",
      credentials: CredentialsChain([SQSClientTests.Fixed()]), execute: CurlClient().execute)
    return SQSQueue(
      url: "\(server.url)000000000000/prizes", client: client, tracing: tracing, logger: quietLogger)
  }

  func observing<Result>(_ body: () async throws -> Result) async throws -> Result {
    try await withTracer(tracer) { try await withMetricsFactory(metrics) { try await body() } }
  }

  @Test("a receive is a span with the conventions' attributes, and links to the producers' spans")
  func receive() async throws {
    let producer = """
      "MessageAttributes":{"\(InMemoryTracer.traceIDKey)":{"DataType":"String","StringValue":"trace-1"},\
      "\(InMemoryTracer.spanIDKey)":{"DataType":"String","StringValue":"span-1"}}
      """
    try await server.answer(
      .init(
        headers: ["x-amzn-RequestId": "request-7"],
        body:
          #"{"Messages":[{"MessageId":"m-1","ReceiptHandle":"h","Body":"{}",\#(producer)},{"MessageId":"m-2","ReceiptHandle":"h","Body":"{}"}]}"#
      ))
    _ = try await observing {
      try await queue().receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(30))
    }
    let span = try #require(tracer.finishedSpans.first)
    #expect(span.operationName == "sqs.poll")
    #expect(span.kind == .client)
    let expected: [String: SpanAttribute] = [
      "messaging.system": "aws_sqs", "messaging.operation.name": "receive", "messaging.operation.type": "receive",
      "messaging.destination.name": "prizes", "messaging.batch.message_count": 2, "aws.request_id": "request-7",
      "aws.sqs.queue.url": .string("\(server.url)000000000000/prizes"), "server.address": "127.0.0.1",
      "server.port": .int64(Int64(server.port)),
    ]
    for (name, value) in expected {
      #expect(span.attributes.get(name) == value.toSpanAttribute(), "\(name)")
    }
    #expect(span.links.map { $0.context.inMemorySpanContext?.traceID } == ["trace-1"])
    let timer = try metrics.expectTimer(
      "messaging.client.operation.duration",
      [
        ("messaging.destination.name", "prizes"), ("messaging.operation.name", "ReceiveMessage"), ("error.type", ""),
      ])
    #expect(timer.values.count == 1)
  }

  @Test("a failed call says so in its span and its metric")
  func failure() async throws {
    try await server.answer(
      .init(
        status: 403, headers: ["x-amzn-RequestId": "request-8", "x-amzn-query-error": "AccessDenied;Sender"], body: "{}"
      ))
    await #expect(throws: QueueError.self) {
      try await observing {
        try await queue().receive(maxMessages: 10, waitTime: .zero, visibilityTimeout: .seconds(30))
      }
    }
    let span = try #require(tracer.finishedSpans.first)
    #expect(span.status?.code == .error)
    #expect(span.attributes.get("error.type") == .string("AccessDenied"))
    #expect(span.attributes.get("aws.request_id") == .string("request-8"))
    let labels = metrics.timers.map { Dictionary(uniqueKeysWithValues: $0.dimensions) }
    #expect(labels.map { $0["error.type"] } == ["badRequest"])
  }

  @Test(
    "what is sent goes on in the trace that it is sent in, unless it carries one; the names are the conventions' if asked"
  )
  func send() async throws {
    try await server.answer(.init(body: #"{"MessageId":"m-9"}"#))
    var tracing = TracingConfiguration()
    tracing.spanNames = .conventions
    _ = try await observing { try await queue(tracing).send([OutgoingMessage(body: "{}")]) }
    let span = try #require(tracer.finishedSpans.first)
    #expect(span.operationName == "send prizes")
    #expect(span.kind == .producer)
    #expect(span.attributes.get("messaging.message.id") == .string("m-9"))
    #expect(
      try metrics.expectCounter("messaging.client.sent.messages", [("messaging.destination.name", "prizes")])
        .totalValue == 1)
  }
}
