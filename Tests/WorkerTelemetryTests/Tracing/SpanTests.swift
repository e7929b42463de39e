import Testing
import Tracing
import WorkerKit

@testable import WorkerTelemetry

@Suite("Spans")
struct SpanTests {
  private struct Instant: TracerInstant {
    let nanosecondsSinceEpoch: UInt64
    static func < (first: Self, second: Self) -> Bool { first.nanosecondsSinceEpoch < second.nanosecondsSinceEpoch }
  }

  private struct Plain: Error, CustomStringConvertible {
    let description: String
  }

  private let queue = SpanQueue(capacity: 100, batchSize: 100)

  private func tracer(_ sampler: Sampler = .alwaysOn, limits: SpanLimits = SpanLimits()) -> OpenTelemetryTracer {
    OpenTelemetryTracer(sampler: sampler, propagators: [.traceContext], limits: limits, queue: queue)
  }

  @Test("a span ends once, with what it was told until then")
  func end() throws {
    let span = tracer().startSpan("first", context: .topLevel, ofKind: .consumer, at: Instant(nanosecondsSinceEpoch: 5))
    #expect(span.isRecording)
    span.operationName = "second"
    span.attributes["a"] = 1
    span.setStatus(.init(code: .error, message: "no"))
    span.end(at: Instant(nanosecondsSinceEpoch: 7))
    #expect(!span.isRecording)
    span.attributes["a"] = 2
    span.addEvent("late")
    span.end(at: Instant(nanosecondsSinceEpoch: 9))
    let all = try #require(queue.take())
    #expect(all.count == 1)
    #expect(all[0].name == "second")
    #expect((all[0].start, all[0].end) == (5, 7))
    #expect(all[0].attributes == ["a": 1])
    #expect(all[0].status == .init(code: .error, message: "no"))
    #expect(all[0].events.isEmpty)
    #expect(all[0].parent == nil)
  }

  @Test("a child belongs to its parent's trace, and carries its tracestate on")
  func child() throws {
    var context = ServiceContext.topLevel
    context.spanContext = TraceParent.parse(PropagationTests.parent, traceState: "a=b")
    let span = tracer().startSpan("child", context: context)
    span.end()
    let finished = try #require(queue.take()?.first)
    #expect(finished.context.traceID.hex == "0af7651916cd43dd8448eb211c80319c")
    #expect(finished.parent?.spanID.hex == "b7ad6b7169203331")
    #expect(finished.parent?.isRemote == true)
    #expect(finished.context.traceState == "a=b")
    #expect(span.context.spanContext == finished.context)
    #expect(finished.context.spanID != finished.parent?.spanID)
  }

  @Test("a span that is not sampled records nothing, and its context is carried on")
  func unsampled() throws {
    let span = tracer(.alwaysOff).startSpan("none", context: .topLevel)
    #expect(!span.isRecording)
    span.attributes["a"] = 1
    #expect(span.attributes.isEmpty)
    span.end()
    #expect(queue.take() == nil)
    let context = try #require(span.context.spanContext)
    #expect(!context.isSampled)
    let child = tracer(.parentBased(.alwaysOn)).startSpan("child", context: span.context)
    #expect(!child.isRecording)
    #expect(child.context.spanContext?.traceID == context.traceID)
  }

  @Test("an error becomes an event, with where it was made if it knows")
  func errors() throws {
    let line: UInt = #line + 1
    let error = EventError(.notFound, "there is none; make one")
    let span = tracer().startSpan("failing", context: .topLevel)
    span.recordError(error, attributes: ["attempt": 2], at: Instant(nanosecondsSinceEpoch: 3))
    span.recordError(Plain(description: String(repeating: "x", count: 1000)))
    span.end()
    let events = try #require(queue.take()?.first?.events)
    #expect(events.map(\.name) == ["exception", "exception"])
    #expect(events[0].nanosecondsSinceEpoch == 3)
    #expect(
      events[0].attributes == [
        "exception.type": "WorkerKit.EventError",
        "exception.message": "notFound: there is none; make one",
        "exception.stacktrace": "at errors() (WorkerTelemetryTests/SpanTests.swift:\(line))",
        "code.function.name": "errors()",
        "code.file.path": "WorkerTelemetryTests/SpanTests.swift",
        "code.line.number": .int64(Int64(line)),
        "attempt": 2,
      ])
    #expect(events[1].attributes.get("exception.message") == .string(String(repeating: "x", count: 500)))
    #expect(events[1].attributes.get("code.line.number") == nil)
  }

  @Test("a link names the other trace; one without a context is none")
  func links() throws {
    var other = ServiceContext.topLevel
    other.spanContext = TraceParent.parse(PropagationTests.parent, traceState: "")
    let span = tracer().startSpan("linked", context: .topLevel)
    span.addLink(SpanLink(context: other, attributes: ["why": "batch"]))
    span.addLink(SpanLink(context: .topLevel, attributes: [:]))
    span.end()
    let links = try #require(queue.take()?.first?.links)
    #expect(links.map(\.context) == [other.spanContext])
    #expect(links.first?.attributes == ["why": "batch"])
  }

  @Test("what is beyond the limits is dropped and counted, and what was there first stays")
  func limits() throws {
    let limits = SpanLimits(
      attributes: 3, valueLength: 4, events: 2, eventAttributes: 1, links: 0, linkAttributes: 1)
    let span = tracer(limits: limits).startSpan("limited", context: .topLevel)
    span.attributes = ["a": "12345", "b": .stringArray(["12345", "1"]), "c": 3]
    for name in ["d", "e"] { span.attributes[name] = name }
    span.attributes["a"] = "new value"
    for number in 1...5 { span.addEvent(SpanEvent(name: "\(number)", attributes: ["a": 1, "b": 2, "c": 3])) }
    span.addLink(SpanLink(context: span.context, attributes: [:]))
    span.end()
    let finished = try #require(queue.take()?.first)
    #expect(finished.attributes == ["a": "new ", "b": .stringArray(["1234", "1"]), "c": 3])
    #expect(finished.droppedAttributes == 2)
    #expect(finished.events.map(\.name) == ["1", "2"])
    #expect(finished.events.map(\.droppedAttributes) == [2, 2])
    #expect(finished.droppedEvents == 3)
    #expect(finished.droppedLinks == 1)
  }
}
