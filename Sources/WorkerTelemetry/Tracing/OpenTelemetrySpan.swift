package import Tracing
import WorkerKit
import WorkerLocks

/// A span. A span whose trace is not recorded has only its context, so that the context is propagated.
package final class OpenTelemetrySpan: Span {
  private struct State {
    var span: FinishedSpan
    var isEnded = false

    mutating func change(_ body: (inout FinishedSpan) -> Void) {
      if !isEnded { body(&span) }
    }
  }

  package let context: ServiceContext
  /// nil for a span that is not recorded.
  private let state: Mutex<State?>
  private let limits: SpanLimits
  private let onEnd: (@Sendable (FinishedSpan) -> Void)?

  /// Creates a span that is not recorded.
  init(context: ServiceContext) {
    self.context = context
    state = Mutex(nil)
    limits = SpanLimits()
    onEnd = nil
  }

  init(
    _ span: FinishedSpan, context: ServiceContext, limits: SpanLimits, onEnd: @escaping @Sendable (FinishedSpan) -> Void
  ) {
    self.context = context
    state = Mutex(State(span: span))
    self.limits = limits
    self.onEnd = onEnd
  }

  package var isRecording: Bool {
    state.withLock { $0?.isEnded == false }
  }

  package var operationName: String {
    get { state.withLock { $0?.span.name } ?? "" }
    set { change { $0.name = newValue } }
  }

  package var attributes: SpanAttributes {
    get { state.withLock { $0?.span.attributes } ?? [:] }
    set {
      change { [limits] span in
        let (kept, dropped) = limits.applied(to: newValue, count: limits.attributes, keeping: span.attributes)
        span.attributes = kept
        span.droppedAttributes += dropped
      }
    }
  }

  package func setStatus(_ status: SpanStatus) {
    change { $0.status = status }
  }

  package func addEvent(_ event: SpanEvent) {
    change { [limits] span in
      guard span.events.count < limits.events else {
        span.droppedEvents += 1
        return
      }
      let (attributes, dropped) = limits.applied(to: event.attributes, count: limits.eventAttributes)
      span.events.append(
        .init(
          name: event.name, nanosecondsSinceEpoch: event.nanosecondsSinceEpoch, attributes: attributes,
          droppedAttributes: dropped))
    }
  }

  package func addLink(_ link: SpanLink) {
    guard let target = link.context.spanContext else { return }
    change { [limits] span in
      guard span.links.count < limits.links else {
        span.droppedLinks += 1
        return
      }
      let (attributes, dropped) = limits.applied(to: link.attributes, count: limits.linkAttributes)
      span.links.append(.init(context: target, attributes: attributes, droppedAttributes: dropped))
    }
  }

  /// Adds the event `exception`, with the error's location if it is known.
  package func recordError<Instant: TracerInstant>(
    _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
  ) {
    guard isRecording else { return }
    var described = ExceptionEvent.attributes(of: error)
    described.merge(attributes)
    addEvent(SpanEvent(name: ExceptionEvent.name, at: instant(), attributes: described))
  }

  package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
    guard let onEnd else { return }
    let end = instant().nanosecondsSinceEpoch
    let finished = state.withLock { state -> FinishedSpan? in
      guard state?.isEnded == false else { return nil }
      state?.isEnded = true
      state?.span.end = end
      return state?.span
    }
    if let finished { onEnd(finished) }
  }

  private func change(_ body: (inout FinishedSpan) -> Void) {
    state.withLock { $0?.change(body) }
  }
}
