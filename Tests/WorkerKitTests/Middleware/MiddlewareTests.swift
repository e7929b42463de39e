import InMemoryLogging
import InMemoryTracing
import Logging
import Metrics
import MetricsTestKit
import TestSupport
import Testing
import Tracing
import WorkerLocks
import WorkerTesting

@testable import WorkerKit

@Suite("Middleware", .timeLimit(.minutes(20)))
struct MiddlewareTests {
  /// Records when it is entered and left.
  struct Noting: EventMiddleware {
    let name: String
    let record: Record<String>

    func handle(_ context: HandlerContext, next: @escaping Next) async throws {
      record.add("\(name) in")
      defer { record.add("\(name) out") }
      try await next(context)
    }
  }

  func process(
    _ body: String, attributes: [String: MessageAttribute] = [:], middleware: [any EventMiddleware],
    logger: Logger = quietLogger, clock: WorkerClock = WorkerClock(ManualClock()),
    handler: @escaping @Sendable (Greeting, HandlerContext) async throws -> Void = { _, _ in }
  ) async -> Settlement {
    let route = Route(eventType: "GREETED", handlerName: "greetings.hello", handler: ClosureHandler(handler))
    let processor = Processor(
      queue: "events", table: RoutingTable(routes: [route]), middleware: middleware, clock: clock,
      deadlines: TimerQueue(clock: clock), random: { 0.5 }, logger: logger)
    return await processor.process(
      ReceivedMessage(id: "m-1", receiptHandle: "h", body: Array(body.utf8), attributes: attributes))
  }

  @Test("the first middleware is the outermost, and the handler is the innermost")
  func order() async {
    let record = Record<String>()
    _ = await process(
      ConsumerHarness.greeting,
      middleware: [Noting(name: "a", record: record), Noting(name: "b", record: record)],
      handler: { _, _ in record.add("handler") })
    #expect(record.all == ["a in", "b in", "handler", "b out", "a out"])
  }

  /// Records what it is told.
  struct Told: HandlingObserver {
    let record: Record<String>

    func recordHandling(of context: HandlerContext, _ error: (any Error)?, duration: Duration, at now: Duration) {
      record.add("\(context.messageID), \(error.map { "\($0)" } ?? "handled"), \(duration.brief), at \(now.brief)")
    }
  }

  @Test("an observer is told of each outcome, after all middleware, and how long it took")
  func observers() async {
    let record = Record<String>()
    let manual = ManualClock()
    let clock = WorkerClock(manual)
    let instrumentation = Instrumentation(
      observers: [Told(record: record)], clock: clock, log: FoldedLog(clock: clock))
    let middleware: [any EventMiddleware] = [instrumentation, Noting(name: "a", record: record)]
    _ = await process(ConsumerHarness.greeting, middleware: middleware, clock: clock) { _, _ in
      manual.advance(by: .milliseconds(250))
    }
    #expect(record.all == ["a in", "a out", "m-1, handled, 250.0 ms, at 250.0 ms"])
    _ = await process("{}", middleware: middleware, clock: clock)
    #expect(record.all.count == 6 && record.all[5].hasPrefix("m-1, validation: "))
  }

  @Test("it also wraps messages that no route matches", arguments: ["no JSON", "{}", #"{"eventType":"OTHER"}"#])
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
    let deadlines = TimerQueue(clock: WorkerClock(clock))
    let call = HandlerCall(context: context, limit: .seconds(300), clock: WorkerClock(clock), deadlines: deadlines)
    await withMetricsFactory(metrics) {
      await deadlines.watching {
        let handling = Task {
          try await call.run(on: EventBody([])) { _, _ in await gate.passStubbornly() }
        }
        try? await gate.untilArrived()
        clock.advance(by: .seconds(5))
        handling.cancel()
        try? await clock.untilSleeping(for: HandlerCall.grace)
        #expect(logs.entries.isEmpty)
        clock.advance(by: HandlerCall.grace)
        // The handler is reported while it runs, and its end is not an error.
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

  @Test("a handler that never suspends is cancelled as well")
  func neverWaits() async throws {
    let gate = Gate()
    let clock = WorkerClock(ManualClock())
    let deadlines = TimerQueue(clock: clock)
    let context = HandlerContext(eventType: "GREETED", messageID: "m-1", logger: quietLogger)
    let call = HandlerCall(context: context, limit: .seconds(300), clock: clock, deadlines: deadlines)
    let message = Mutex<Task<Void, any Error>?>(nil)
    let wasCancelled = Mutex(false)
    let handling = Task {
      try await gate.pass()
      try await call.run(on: EventBody([])) { _, _ in
        // Usually another thread cancels a message. Here the handler does, because no other thread can run.
        message.withLock { $0 }?.cancel()
        wasCancelled.withLock { $0 = Task.isCancelled }
      }
    }
    message.withLock { $0 = handling }
    gate.open()
    try await handling.value
    #expect(wasCancelled.withLock { $0 })
  }

  static var instrumentation: Instrumentation {
    Instrumentation(clock: .continuous, log: FoldedLog(clock: .continuous))
  }

  @Test("a middleware's own error is classified like a handler's")
  func ownError() async throws {
    struct Refusing: EventMiddleware {
      func handle(_ context: HandlerContext, next: @escaping Next) async throws {
        throw EventError(.throttled, "too many")
      }
    }
    let metrics = TestMetrics()
    let settlement = await withMetricsFactory(metrics) {
      await process(ConsumerHarness.greeting, middleware: [Self.instrumentation, Refusing()])
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

  @Test("a span wraps the message, as a child of the producer's, with the messaging attributes")
  func tracing() async throws {
    let tracer = InMemoryTracer()
    await withTracer(tracer) {
      _ = await process(
        ConsumerHarness.greeting,
        attributes: [
          InMemoryTracer.traceIDKey: .string("trace-1"), InMemoryTracer.spanIDKey: .string("producer-span"),
        ], middleware: [Self.instrumentation],
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
    "a failure names the producer's trace",
    arguments: [
      ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c"),
      ("00-short-b7ad6b7169203331-01", nil), ("nonsense", nil), ("", nil),
    ] as [(String, String?)])
  func traceID(parent: String, expected: String?) async throws {
    let settlement = await process(
      "{}", attributes: ["traceparent": .string(parent)], middleware: [Self.instrumentation])
    guard case .deadLetter(let failure) = settlement else {
      Issue.record("\(settlement)")
      return
    }
    #expect(failure.traceID == expected)
  }

  @Test("durations are recorded by queue, route and error; labels never come from messages")
  func metrics() async throws {
    let metrics = TestMetrics()
    await withMetricsFactory(metrics) {
      for body in [ConsumerHarness.greeting, ConsumerHarness.greeting, #"{"eventType":"EVIL"}"#] {
        _ = await process(body, middleware: [Self.instrumentation])
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

  @Test("a handler's logger names the message, and keeps what middleware has added")
  func handlerLogger() async throws {
    struct Tenant: EventMiddleware {
      func handle(_ context: HandlerContext, next: @escaping Next) async throws {
        context.logger.notice("before")
        var context = context
        context.logger[metadataKey: "tenant"] = "t-1"
        context.receiveCount = 7
        try await next(context)
      }
    }
    let log = InMemoryLogHandler()
    _ = await process(
      ConsumerHarness.greeting, middleware: [Tenant()], logger: Logger(label: "test", factory: { _ in log }),
      handler: { _, context in context.logger.notice("handled") })
    let own: Logger.Metadata = ["messageId": "m-1", "route": "GREETED", "attempt": "1"]
    #expect(log.entries.map(\.message) == ["before", "handled"])
    #expect(log.entries.map(\.metadata) == [own, own.merging(["tenant": "t-1"]) { $1 }])
  }

  @Test("a failure is logged with its kind and field, and without the received value")
  func logging() async throws {
    let handler = InMemoryLogHandler()
    let logger = Logger(label: "test", factory: { _ in handler })
    _ = await process(
      #"{"eventType":"GREETED","name":"Ada","times":"hush"}"#,
      middleware: [Self.instrumentation], logger: logger)
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
