import Foundation
import InMemoryLogging
import Logging
import Metrics
import MetricsTestKit
import TestSupport
import Testing
import WorkerHTTP
import WorkerKit
import WorkerTesting

@testable import WorkerTelemetry

@Suite("The exporter", .timeLimit(.minutes(20)))
struct SpanExporterTests {
  private static let away = Result<HTTPClientResponse, HTTPClientError>.failure(
    HTTPClientError(code: .notConnected, message: "away"))

  private static func answer(_ status: Int, _ retryAfter: String? = nil) -> Result<HTTPClientResponse, HTTPClientError>
  {
    .success(HTTPClientResponse(status: status, headers: retryAfter.map { [("retry-after", $0)] } ?? []))
  }

  @Test("a full batch goes out at once, and the rest after the delay")
  func batches() async throws {
    let harness = ExporterHarness()
    try await harness.run {
      try await harness.clock.untilSleeping(for: .seconds(5))
      harness.endSpans(5)
      try await harness.untilRequests(1)
      try await harness.clock.untilSleeping(for: .seconds(5))
      #expect(harness.requests.count == 1)
      harness.clock.advance(by: .seconds(5))
      try await harness.untilRequests(2)
    }
    #expect(harness.requests.count == 2)
  }

  @Test("the queue is bounded: what comes beyond is dropped, counted and logged once")
  func bounded() async throws {
    let metrics = TestMetrics()
    try await withMetricsFactory(metrics) {
      let harness = ExporterHarness()
      harness.endSpans(25)
      #expect(harness.queue.take()?.count == 4)
      try await harness.run {}
      // What was left of ten.
      #expect(harness.requests.count == 2)
      #expect(harness.messages.count { $0.hasPrefix("spans were dropped") } == 1)
    }
    #expect(try dropped(metrics, "queue_full") == 15)
  }

  @Test("a collector that is busy is asked again when it says, in seconds or as a date")
  func retryAfter() async throws {
    let harness = ExporterHarness()
    harness.script(Self.answer(429, "7"), Self.answer(503), Self.answer(502), Self.answer(504, "3"))
    harness.endSpans(4)
    try await harness.run {
      // Without its word: one second after the first try, doubling.
      for (number, wait) in [7, 2, 4, 3].enumerated() {
        try await harness.untilRequests(number + 1)
        try await harness.clock.untilSleeping(for: .seconds(wait))
        harness.clock.advance(by: .seconds(wait))
      }
      try await harness.untilRequests(5)
    }
    #expect(harness.requests.count == 5)
    #expect(harness.messages.last == "traces are exported again")
    let now = Date(timeIntervalSince1970: 784_111_770)
    #expect(RetryAfter.duration("Sun, 06 Nov 1994 08:49:37 GMT", now: now) == .seconds(7))
    #expect(RetryAfter.duration("Sun, 06 Nov 1994 08:49:37 GMT", now: now + 100) == .zero)
    #expect(RetryAfter.duration("soon", now: now) == nil)
  }

  @Test("what takes longer than the export timeout is given up, and counted")
  func exportTimeout() async throws {
    let metrics = TestMetrics()
    try await withMetricsFactory(metrics) {
      let harness = ExporterHarness()
      harness.script(Self.answer(503, "29"), Self.answer(503, "29"))
      harness.endSpans(4)
      try await harness.run {
        try await harness.clock.untilSleeping(for: .seconds(29))
        harness.clock.advance(by: .seconds(29))
        try await harness.untilRequests(2)
        try await harness.clock.untilSleeping(for: .seconds(5))
        #expect(harness.requests[1].timeout == .seconds(1))
      }
      #expect(harness.requests.count == 2)
    }
    #expect(try dropped(metrics, "failed") == 4)
  }

  @Test("what the collector refuses is not sent again, and logged once")
  func refused() async throws {
    let metrics = TestMetrics()
    try await withMetricsFactory(metrics) {
      let harness = ExporterHarness()
      harness.script(Self.answer(400), Self.answer(400), Self.answer(401))
      try await harness.run {
        for number in 1...4 {
          harness.endSpans(4)
          try await harness.untilRequests(number)
        }
      }
      #expect(
        harness.logs.entries.map { $0.metadata["error"]?.description ?? "" } == [
          "the collector refuses them with 400",
          "the collector refuses them with 401; check OTEL_EXPORTER_OTLP_HEADERS", "",
        ])
      #expect(harness.requests.count == 4)
    }
    #expect(try dropped(metrics, "failed") == 12)
  }

  @Test("what the collector took only in part is counted")
  func partialSuccess() async throws {
    let metrics = TestMetrics()
    try await withMetricsFactory(metrics) {
      let harness = ExporterHarness { $0.encoding = .json }
      let body = #"{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}}"#
      harness.script(.success(HTTPClientResponse(status: 200, body: Array(body.utf8))))
      harness.endSpans(4)
      try await harness.run { try await harness.untilRequests(1) }
      #expect(harness.logs.entries.first?.metadata["error"] == "the collector took only a part: too old")
    }
    #expect(try dropped(metrics, "rejected") == 3)
  }

  @Test("a stop sends all that is left, in batches")
  func flush() async throws {
    let harness = ExporterHarness()
    try await harness.run {
      try await harness.clock.untilSleeping(for: .seconds(5))
      harness.endSpans(3)
    }
    #expect(harness.requests.count == 1)
    harness.endSpans(1)
    #expect(harness.queue.take() == nil, "what ends after the stop is not taken")
  }

  @Test("a stop waits for a busy collector, until the export timeout is over")
  func flushRetries() async throws {
    let harness = ExporterHarness()
    harness.script(Self.answer(503, "20"), Self.answer(503, "20"))
    harness.endSpans(9)
    try await harness.run {
      try await harness.untilRequests(1)
      harness.exporter.stop()
      try await harness.clock.untilSleeping(for: .seconds(20))
      harness.clock.advance(by: .seconds(20))
    }
    // The rest would not have fared better.
    #expect(harness.requests.count == 2)
    #expect(harness.messages.last == "the last traces could not be exported")
    #expect(harness.logs.entries.last?.metadata["lostSpans"] == "9")
  }

  @Test("a stop does not wait for a collector that is away")
  func flushWithoutCollector() async throws {
    let metrics = TestMetrics()
    try await withMetricsFactory(metrics) {
      let harness = ExporterHarness()
      harness.script(Self.away, Self.away, Self.away)
      harness.endSpans(9)
      try await harness.run {
        try await harness.untilRequests(1)
        try await harness.clock.untilSleeping(for: .seconds(1))
      }
      // The one that waited for its second try tries at once; the hands never moved.
      #expect(harness.requests.count == 2)
      #expect(harness.messages.first == "traces cannot be exported; messages are still handled")
    }
    #expect(try dropped(metrics, "failed") == 9)
  }

  @Test("a request has the encoding's type, the headers, and gzip where it is asked for")
  func requests() async throws {
    let harness = ExporterHarness {
      $0.headers = [("api-key", "secret")]
      $0.isCompressed = true
      $0.certificates = "/ca.pem"
    }
    harness.endSpans(1)
    try await harness.run {}
    let request = try #require(harness.requests.first)
    #expect(request.method == "POST")
    #expect(request.url == "http://collector/v1/traces")
    #expect(request.timeout == .seconds(10))
    #expect(request.certificates == "/ca.pem")
    let headers = Dictionary(uniqueKeysWithValues: request.headers.map { ($0.name, $0.value) })
    #expect(headers["api-key"] == "secret")
    #expect(headers["Content-Type"] == "application/x-protobuf")
    #expect(headers["Content-Encoding"] == "gzip")
    #expect(request.body.prefix(3) == [0x1f, 0x8b, 8])
  }

  private func dropped(_ metrics: TestMetrics, _ reason: String) throws -> Int64 {
    try metrics.expectCounter("worker.telemetry.dropped", [("signal", "traces"), ("reason", reason)]).totalValue
  }
}
