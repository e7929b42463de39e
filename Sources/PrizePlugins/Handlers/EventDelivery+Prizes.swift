import Tracing
import WorkerKit

extension Array {
  /// Has the store handle a batch, with a span for each event in that event's trace.
  ///
  /// - Parameter report: Says what became of an event, in its trace.
  func handle<Event, Outcome>(
    in operationName: String,
    by work: ([KeyedEvent<Event>]) async throws -> [Result<Handled<Outcome>, any Error>],
    report: (EventDelivery<Event>, Handled<Outcome>, any Span) -> Void
  ) async throws -> [Result<Void, any Error>] where Element == EventDelivery<Event> {
    let spans = map { startSpan(operationName, context: $0.traceContext) }
    defer { for span in spans { span.end() } }
    // The transaction of one event belongs to its span; that of several to the batch's, to which theirs have links.
    let batch = ServiceContext.current ?? .topLevel
    if count > 1, !batch.isEmpty {
      for span in spans { span.addLink(SpanLink(context: batch, attributes: [:])) }
    }
    do {
      let outcomes = try await ServiceContext.withValue(count > 1 ? batch : spans[0].context) {
        try await work(map { KeyedEvent($0.event, key: $0.context.eventKey) })
      }
      return zip(zip(self, spans), outcomes).map { pair, outcome in
        let (delivery, span) = pair
        if case .failure(let error) = outcome { span.recordError(error) }
        return outcome.map { outcome in
          ServiceContext.withValue(span.context) { report(delivery, outcome, span) }
        }
      }
    } catch {
      for span in spans { span.recordError(error) }
      throw error
    }
  }
}
