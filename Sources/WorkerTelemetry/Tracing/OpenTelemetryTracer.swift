package import Tracing

/// The tracer for swift-distributed-tracing. It creates and samples spans, and adds ended spans to a queue. It never
/// waits.
package struct OpenTelemetryTracer: Tracer {
  private let sampler: Sampler
  private let propagators: Set<Propagator>
  private let limits: SpanLimits
  private let queue: SpanQueue
  private let random: @Sendable () -> UInt64

  package init(
    sampler: Sampler, propagators: Set<Propagator>, limits: SpanLimits = SpanLimits(), queue: SpanQueue,
    random: @escaping @Sendable () -> UInt64 = { .random(in: 1 ... .max) }
  ) {
    self.sampler = sampler
    self.propagators = propagators
    self.limits = limits
    self.queue = queue
    self.random = random
  }

  package func startSpan<Instant: TracerInstant>(
    _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
    at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
  ) -> OpenTelemetrySpan {
    var context = context()
    let parent = context.spanContext
    let traceID = parent?.traceID ?? TraceID(high: random(), low: random())
    let own = SpanContext(
      traceID: traceID, spanID: SpanID(random()), isSampled: sampler.samples(traceID, parent: parent),
      traceState: parent?.traceState ?? "")
    context.spanContext = own
    guard own.isSampled else { return OpenTelemetrySpan(context: context) }
    let start = instant().nanosecondsSinceEpoch
    let span = FinishedSpan(
      context: own, parent: parent, name: operationName, kind: kind, start: start, end: start, attributes: [:])
    return OpenTelemetrySpan(span, context: context, limits: limits) { [queue] in queue.add($0) }
  }

  /// Requests an early export of ended spans, without waiting for it.
  package func forceFlush() {
    queue.requestFlush()
  }

  package func extract<Carrier, Extract: Extractor>(
    _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
  ) where Extract.Carrier == Carrier {
    if propagators.contains(.traceContext), let parent = extractor.extract(key: TraceParent.key, from: carrier),
      let found = TraceParent.parse(
        parent, traceState: TraceState.checked(extractor.extract(key: TraceState.key, from: carrier) ?? ""))
    {
      context.spanContext = found
      return
    }
    // AWS's services add this header without being configured, so it is read whenever propagation is enabled.
    guard !propagators.isEmpty else { return }
    for key in XRayHeader.keys {
      if let found = extractor.extract(key: key, from: carrier).flatMap(XRayHeader.parse) {
        context.spanContext = found
        return
      }
    }
  }

  package func inject<Carrier, Inject: Injector>(
    _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
  ) where Inject.Carrier == Carrier {
    guard let own = context.spanContext else { return }
    if propagators.contains(.traceContext) {
      injector.inject(TraceParent.format(own), forKey: TraceParent.key, into: &carrier)
      if !own.traceState.isEmpty {
        injector.inject(own.traceState, forKey: TraceState.key, into: &carrier)
      }
    }
    if propagators.contains(.xray) {
      injector.inject(XRayHeader.format(own), forKey: XRayHeader.key, into: &carrier)
    }
  }
}

/// A format of propagated contexts: `OTEL_PROPAGATORS`.
package enum Propagator: String, Sendable, CaseIterable {
  case traceContext = "tracecontext"
  /// X-Ray's header. It is always read, but written only if it is configured.
  case xray
}
