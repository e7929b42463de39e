import InMemoryLogging
import Logging
import MetricsTestKit
import Tracing
import WorkerHTTP
import WorkerKit
import WorkerTesting

@testable import WorkerTelemetry

/// An exporter on a manual clock, whose collector answers as the test tells it.
struct ExporterHarness {
  let clock = ManualClock()
  let logs = InMemoryLogHandler()
  let queue: SpanQueue
  let exporter: SpanExporter
  private let collector = ScriptedCollector()

  init(_ configure: (inout TraceExport) -> Void = { _ in }) {
    var export = TraceExport(endpoint: "http://collector/v1/traces")
    export.queueSize = 10
    export.batchSize = 4
    configure(&export)
    queue = SpanQueue(capacity: export.queueSize, batchSize: export.batchSize)
    exporter = SpanExporter(
      export, queue: queue,
      collector: Collector(export, resource: [:]) { [collector] in try await collector.answer($0) },
      clock: WorkerClock(clock), random: { 1 }, logger: Logger(label: "test") { [logs] _ in logs })
  }

  var requests: [HTTPClientRequest] { collector.state.value.requests }

  func untilRequests(_ count: Int) async throws {
    try await collector.state.wait { $0.requests.count >= count }
  }

  /// Adds to what the collector answers; afterwards it takes everything.
  func script(_ answers: Result<HTTPClientResponse, HTTPClientError>...) {
    collector.state.update { $0.script += answers }
  }

  func endSpans(_ count: Int) {
    let tracer = OpenTelemetryTracer(sampler: .alwaysOn, propagators: [], queue: queue)
    for _ in 0..<count { tracer.startSpan("span", context: .topLevel).end() }
  }

  /// Runs the exporter beside a test, and flushes it.
  func run(_ body: () async throws -> Void) async throws {
    async let running: Void = exporter.run()
    try await body()
    exporter.stop()
    await running
  }

  var messages: [String] { logs.entries.map(\.message.description) }
}

final class ScriptedCollector: Sendable {
  struct State: Sendable {
    var requests: [HTTPClientRequest] = []
    var script: [Result<HTTPClientResponse, HTTPClientError>] = []
  }

  let state = AsyncValue(State())

  func answer(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
    try state.update { state in
      state.requests.append(request)
      return state.script.isEmpty ? .success(HTTPClientResponse(status: 200)) : state.script.removeFirst()
    }.get()
  }
}
