import InMemoryLogging
import InMemoryTracing
import Logging
import Metrics
import MetricsTestKit
import Testing
import Tracing
import WorkerTesting

@testable import WorkerKit

@Suite("Middleware", .timeLimit(.minutes(1)))
struct MiddlewareTests {
  /// Notes when it is entered and left.
  struct Noting: Middleware {
    let name: String
    let record: Record<String>

    func handle(_ context: HandlerContext, next: @escaping Next) async throws {
      record.add("\(name) in")
      defer { record.add("\(name) out") }
      try await next(context)
    }
  }

  func process(
    _ body: String, attributes: [String: MessageAttribute] = [:], middleware: [any Middleware],
    logger: Logger = quietLogger,
    handler: @escaping @Sendable (Greeting, HandlerContext) async throws -> Void = { _, _ in }
  ) async -> Settlement {
    let route = Route(eventType: "GREETED", handlerName: "greetings.hello", handler: ClosureHandler(handler))
    let clock = WorkerClock(ManualClock())
    let processor = Processor(
      queue: "events", table: RoutingTable(routes: [route]), middleware: middleware, clock: clock,
      deadlines: Deadlines(clock: clock), random: { 0.5 }, logger: logger)
    return await processor.process(
      ReceivedMessage(id: "m-1", receiptHandle: "h", body: Array(body.utf8), attributes: attributes))
  }

  @Test("the first middleware is the outermost, and the handler is inside of all")
  func order() async {
    let record = Record<String>()
    _ = await process(
      ConsumerHarness.greeting,
      middleware: [Noting(name: "a", record: record), Noting(name: "b", record: record)],
      handler: { _, _ in record.add("handler") })
    #expect(record.all == ["a in", "b in", "handler", "b out", "a out"])
  }

  @Test("it also surrounds what no route takes", arguments: ["no JSON", "{}", #"{"eventType":"OTHER"}"#])
  func unrouted(body: String) async {
    let record = Record<String>()
    let settlement = await process(body, middleware: [Noting(name: "a", record: record)])
    #expect(record.all == ["a in", "a out"])
    guard case .deadLetter = settlement else {
      Issue.record("\(settlement)")
      return
    }
  }

  @Test("a handler that ignores its cancellation is reported with its route and its age, and counted")
  func stuck() async throws {
    let clock = ManualClock()
    let gate = Gate()
    let metrics = TestMetrics()
    let logs = InMemoryLogHandler()
    var logger = Logger(label: "test", factory: { _ in logs })
    logger[metadataKey: "route"] = "GREETED"
    let context = HandlerContext(eventType: "GREETED", queue: "events", messageID: "m-1", logger: logger)
    let deadlines = Deadlines(clock: WorkerClock(clock))
    let middleware = TimeoutMiddleware(limit: .seconds(300), clock: WorkerClock(clock), deadlines: deadlines)
    await withMetricsFactory(metrics) {
      await deadlines.watching {
        let handling = Task {
          try await middleware.handle(context) { _ in await gate.passStubbornly() }
        }
        try? await gate.untilArrived()
        clock.advance(by: .seconds(5))
        handling.cancel()
        try? await clock.untilSleeping(for: TimeoutMiddleware.grace)
        #expect(logs.entries.isEmpty)
        clock.advance(by: TimeoutMiddleware.grace)
        // It is reported while it goes on, and its end is no error.
        try? await yieldUntil { !logs.entries.isEmpty }
        gate.open()
        _ = await handling.result
      }
    }
    #expect(logs.entries.map(\.level) == [.error])
    #expect(logs.entries.first?.metadata["age"] == "15.0s")
    #expect(
      try metrics.expectCounter(
        "worker.handlers.stuck", [("messaging.destination.name", "events"), ("route", "GREETED")]
      ).totalValue == 1)
  }

  @Test("a handler that never waits is cancelled, too")
  func neverWaits() async throws {
    let gate = Gate()
    let clock = WorkerClock(ManualClock())
    let deadlines = Deadlines(clock: clock)
    let middleware = TimeoutMiddleware(limit: .seconds(300), clock: clock, deadlines: deadlines)
    let context = HandlerContext(eventType: "GREETED", messageID: "m-1", logger: quietLogger)
    let message = Locked<Task<Void, any Error>?>(nil)
    let wasCancelled = Locked(false)
    let handling = Task {
      try await gate.pass()
      try await middleware.handle(context) { _ in
        // What cancels a message comes from another thread. Here it comes from the handler, which nobody else can stop now.
        message.withLock { $0 }?.cancel()
        wasCancelled.withLock { $0 = Task.isCancelled }
      }
    }
    message.withLock { $0 = handling }
    gate.open()
    try await handling.value
    #expect(wasCancelled.withLock { $0 })
  }

  @Test("a middleware's own error is classified like a handler's")
  func ownError() async throws {
    struct Refusing: Middleware {
      func handle(_ context: HandlerContext, next: @escaping Next) async throws {
        throw EventError(.throttled, "too many")
      }
    }
    let metrics = TestMetrics()
    let settlement = await withMetricsFactory(metrics) {
      await process(ConsumerHarness.greeting, middleware: [MetricsMiddleware(clock: .continuous), Refusing()])
    }
    guard case .retry(_, let failure) = settlement else {
      Issue.record("\(settlement)")
      return
    }
    #expect(
      try metrics.expectTimer(
        "messaging.process.duration", Self.labels(route: "GREETED", errorType: "throttled")
      ).values.count == 1)
    #expect(failure.kind == .throttled)
    #expect(failure.route == "GREETED")
  }

  @Test("a span surrounds the message, the child of the producer's, with the messaging attributes")
  func tracing() async throws {
    let tracer = InMemoryTracer()
    await withTracer(tracer) {
      _ = await process(
        ConsumerHarness.greeting,
        attributes: [
          InMemoryTracer.traceIDKey: .string("trace-1"), InMemoryTracer.spanIDKey: .string("producer-span"),
        ], middleware: [TracingMiddleware()],
        handler: { _, _ in throw EventError(.conflict, "no") })
    }
    let span = try #require(tracer.finishedSpans.first)
    #expect(span.operationName == "sqs.process_message")
    #expect(span.kind == .consumer)
    #expect(span.spanContext.traceID == "trace-1")
    #expect(span.spanContext.parentSpanID == "producer-span")
    #expect(span.attributes.get("messaging.system") == .string("aws_sqs"))
    #expect(span.attributes.get("messaging.destination.name") == .string("events"))
    #expect(span.attributes.get("messaging.message.id") == .string("m-1"))
    #expect(span.attributes.get("error.type") == .string("conflict"))
    #expect(span.status?.code == .error)
  }

  @Test(
    "a failure names the trace that the producer began",
    arguments: [
      ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c"),
      ("00-short-b7ad6b7169203331-01", nil), ("nonsense", nil), ("", nil),
    ] as [(String, String?)])
  func traceID(parent: String, expected: String?) async throws {
    let settlement = await process(
      "{}", attributes: ["traceparent": .string(parent)], middleware: [TracingMiddleware()])
    guard case .deadLetter(let failure) = settlement else {
      Issue.record("\(settlement)")
      return
    }
    #expect(failure.traceID == expected)
  }

  @Test("messages are timed by queue, route and error; a label never comes from a message")
  func metrics() async throws {
    let metrics = TestMetrics()
    await withMetricsFactory(metrics) {
      for body in [ConsumerHarness.greeting, ConsumerHarness.greeting, #"{"eventType":"EVIL"}"#] {
        _ = await process(body, middleware: [MetricsMiddleware(clock: .continuous)])
      }
    }
    func count(_ route: String, _ errorType: String) throws -> Int {
      try metrics.expectTimer("messaging.process.duration", Self.labels(route: route, errorType: errorType)).values
        .count
    }
    #expect(try count("GREETED", "") == 2)
    #expect(try count("unrouted", "validation") == 1)
  }

  static func labels(route: String, errorType: String) -> [(String, String)] {
    [("messaging.destination.name", "events"), ("route", route), ("error.type", errorType)]
  }

  @Test("a failure is logged with its kind and field, and without what came")
  func logging() async throws {
    let handler = InMemoryLogHandler()
    let logger = Logger(label: "test", factory: { _ in handler })
    _ = await process(
      #"{"eventType":"GREETED","name":"Ada","times":"hush"}"#, middleware: [LoggingMiddleware(clock: .continuous)],
      logger: logger)
    let entry = try #require(handler.entries.first)
    #expect(entry.level == .warning)
    #expect(entry.metadata["kind"] == "validation")
    #expect(entry.metadata["field"] == "times")
    #expect(entry.metadata["messageId"] == "m-1")
    #expect(entry.metadata["route"] == "GREETED")
    #expect(!"\(handler.entries)".contains("hush"))
    #expect(!"\(handler.entries)".contains("Ada"))
  }
}
