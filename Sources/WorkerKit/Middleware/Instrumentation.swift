import Tracing

/// Reports the handling of every message to the log, the metrics, the tracer and the observers.
///
/// It is the outermost middleware, so that what the others log carries the trace's id. The reports share one
/// middleware, because each one has a frame in every message in flight.
struct Instrumentation: EventMiddleware {
  private let spans: HandlingSpans
  private let log: HandlingLog
  private let metrics = HandlingMetrics()
  private let observers: [any HandlingObserver]
  private let clock: WorkerClock

  init(
    tracing: TracingConfiguration = TracingConfiguration(), observers: [any HandlingObserver] = [], clock: WorkerClock,
    log: FoldedLog
  ) {
    spans = HandlingSpans(configuration: tracing)
    self.log = HandlingLog(clock: clock, log: log)
    self.observers = observers
    self.clock = clock
  }

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    let span = begin(context)
    do {
      if let span {
        try await ServiceContext.withValue(span.context) { try await next(context) }
      } else {
        try await next(context)
      }
      end(context, nil, span)
    } catch {
      end(context, error, span)
      throw error
    }
  }

  // Not inlined: their locals would take space in every message in flight.

  @inline(never)
  private func begin(_ context: HandlerContext) -> (any Span)? {
    let span = spans.start(context)
    within(span) { log.reportReceipt(in: context) }
    return span
  }

  @inline(never)
  private func end(_ context: HandlerContext, _ error: (any Error)?, _ span: (any Span)?) {
    let now = clock.now
    let duration = now - context.start
    metrics.record(context, error, duration)
    within(span) {
      for observer in observers { observer.recordHandling(of: context, error, duration: duration, at: now) }
      if let error { log.report(error, in: context) } else { log.reportSuccess(in: context) }
    }
    guard let span else { return }
    if let error { spans.record(error, in: span) }
    span.end()
  }

  /// Does `body` with the span as the current one, from which the log has the trace's id.
  private func within(_ span: (any Span)?, _ body: () -> Void) {
    guard let span else { return body() }
    ServiceContext.withValue(span.context, operation: body)
  }
}
