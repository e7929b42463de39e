import TestSupport
import Testing
import Tracing
import WorkerTesting

@testable import WorkerTelemetry

@Suite("Contexts that go along with messages")
struct PropagationTests {
  static let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
  static let xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

  @Test("traceparent says which trace, which span, and whether it is recorded")
  func traceParent() throws {
    let context = try #require(TraceParent.parse(Self.parent, traceState: "a=b"))
    #expect(context.traceID.hex == "0af7651916cd43dd8448eb211c80319c")
    #expect(context.spanID.hex == "b7ad6b7169203331")
    #expect(context.isSampled)
    #expect(context.isRemote)
    #expect(context.traceState == "a=b")
    #expect(TraceParent.format(context) == Self.parent)
  }

  @Test(
    "what W3C's specification forbids is no traceparent",
    arguments: [
      "", "00", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-00000000000000000000000000000000-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
      "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0G",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-+1",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
      "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
      " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "0é-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
    ])
  func notTraceParent(text: String) {
    #expect(TraceParent.parse(text, traceState: "") == nil)
  }

  @Test("of a later version what this one knows is read", arguments: ["", "-", "-what-is-to-come"])
  func laterVersion(rest: String) {
    let text = "cc" + Self.parent.dropFirst(2) + rest
    #expect(TraceParent.parse(text, traceState: "") == TraceParent.parse(Self.parent, traceState: ""))
  }

  @Test("no byte that is changed or left out crashes, or gives ids that are not in the text")
  func mutations() {
    let seed = SeededGenerator.drawnSeed
    var random = SeededGenerator(seed: seed)
    for _ in 1...20_000 {
      var bytes = Array(Self.parent.utf8)
      for _ in 0...Int.random(in: 0...3, using: &random) {
        switch Int.random(in: 0...2, using: &random) {
        case 0: bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...127, using: &random)
        case 1: bytes.removeLast(Int.random(in: 0...min(3, bytes.count - 1), using: &random))
        default: bytes.insert(UInt8(ascii: "-"), at: Int.random(in: 0...bytes.count, using: &random))
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      guard let context = TraceParent.parse(text, traceState: "") else { continue }
      #expect(text.contains("-\(context.traceID.hex)-\(context.spanID.hex)-"), "seed \(seed): \(text)")
    }
  }

  @Test("what is written is read again")
  func roundTrip() {
    let seed = SeededGenerator.drawnSeed
    var random = SeededGenerator(seed: seed)
    for number in 1...1000 {
      let context = SpanContext(
        traceID: TraceID(high: random.next() >> UInt64(number % 64), low: random.next() | 1),
        spanID: SpanID(random.next() >> UInt64(number % 60) | 1), isSampled: number.isMultiple(of: 2), isRemote: true)
      #expect(TraceParent.parse(TraceParent.format(context), traceState: "") == context, "seed \(seed)")
      #expect(XRayHeader.parse(XRayHeader.format(context)) == context, "seed \(seed)")
    }
  }

  @Test(
    "tracestate is carried on as it came, without spaces around its members",
    arguments: [
      ("a=b", "a=b"), ("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
      (" a=1 ,\tb=2,,", "a=1,b=2"), ("tenant@vendor=x y", "tenant@vendor=x y"), ("", ""),
    ])
  func traceState(text: String, expected: String) {
    #expect(TraceState.checked(text) == expected)
  }

  @Test(
    "a tracestate that breaks the rules is not carried on",
    arguments: ["a", "A=b", "a=", "=b", "a=b=c", "a=b,a=c", "a=ü", "a=b\u{7f}", "-a=b"])
  func notTraceState(text: String) {
    #expect(TraceState.checked(text) == "")
  }

  @Test("a tracestate has 32 members at most, and loses some where it is longer than 512 characters")
  func traceStateLimits() {
    let members = (1...33).map { "k\($0)=v" }
    #expect(TraceState.checked(members.dropLast().joined(separator: ",")) == members.dropLast().joined(separator: ","))
    #expect(TraceState.checked(members.joined(separator: ",")) == "")
    let long = "long=" + String(repeating: "x", count: 200)
    let short = (1...20).map { "key\($0)=" + String(repeating: "y", count: 14) }
    #expect(TraceState.checked(([long] + short).joined(separator: ",")) == short.joined(separator: ","))
  }

  @Test("X-Ray's header is understood in any order, and with more in it")
  func xRay() throws {
    let context = try #require(XRayHeader.parse(Self.xray))
    #expect(context.traceID.hex == "5759e988bd862e3fe1be46a994272793")
    #expect(context.spanID.hex == "53995c3f42cd8ad8")
    #expect(context.isSampled)
    let other =
      "Self=1-67891234-12456789abcdef012345678; Sampled=0;Parent=53995c3f42cd8ad8;"
      + "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a87bd80c:1"
    #expect(XRayHeader.parse(other)?.traceID == context.traceID)
    #expect(XRayHeader.parse(other)?.isSampled == false)
    #expect(XRayHeader.format(context) == Self.xray)
  }

  @Test(
    "what lacks a root or a parent is no X-Ray header",
    arguments: [
      "", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "Parent=53995c3f42cd8ad8;Sampled=1",
      "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
      "Root=1-5759e98-8bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", "Root=1-;Parent=53995c3f42cd8ad8", ";=;==",
    ])
  func notXRay(text: String) {
    #expect(XRayHeader.parse(text) == nil)
  }

  @Test("W3C's context comes first, and X-Ray's where that is missing or broken")
  func precedence() {
    let both = ["traceparent": Self.parent, "tracestate": "a=b", "AWSTraceHeader": Self.xray]
    #expect(extract(both)?.spanID.hex == "b7ad6b7169203331")
    #expect(extract(both)?.traceState == "a=b")
    #expect(extract(["traceparent": "garbage", "AWSTraceHeader": Self.xray])?.spanID.hex == "53995c3f42cd8ad8")
    #expect(extract(["X-Amzn-Trace-Id": Self.xray])?.spanID.hex == "53995c3f42cd8ad8")
    #expect(extract(both, [.xray])?.spanID.hex == "53995c3f42cd8ad8")
    #expect(extract(both, []) == nil)
    #expect(extract([:]) == nil)
  }

  @Test("a context is written as OTEL_PROPAGATORS names it")
  func injection() throws {
    var context = ServiceContext.topLevel
    context.spanContext = TraceParent.parse(Self.parent, traceState: "a=b")
    #expect(inject(context, [.traceContext]) == ["traceparent": Self.parent, "tracestate": "a=b"])
    #expect(
      inject(context, [.xray]) == [
        "X-Amzn-Trace-Id": "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"
      ])
    #expect(inject(.topLevel, [.traceContext, .xray]).isEmpty)
  }

  private func extract(_ carrier: [String: String], _ propagators: Set<Propagator> = [.traceContext]) -> SpanContext? {
    var context = ServiceContext.topLevel
    tracer(propagators).extract(carrier, into: &context, using: Names())
    return context.spanContext
  }

  private func inject(_ context: ServiceContext, _ propagators: Set<Propagator>) -> [String: String] {
    var carrier: [String: String] = [:]
    tracer(propagators).inject(context, into: &carrier, using: Names())
    return carrier
  }

  private func tracer(_ propagators: Set<Propagator>) -> OpenTelemetryTracer {
    OpenTelemetryTracer(sampler: .alwaysOn, propagators: propagators, queue: SpanQueue(capacity: 1, batchSize: 1))
  }
}

private struct Names: Extractor, Injector {
  func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
  func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
}
