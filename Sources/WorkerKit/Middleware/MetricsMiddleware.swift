import Metrics

/// Counts and times every message by route and outcome. Labels come from the routing table, never from the message.
struct MetricsMiddleware: Middleware {
  let clock: WorkerClock

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    let start = clock.now
    do {
      try await next(context)
      record(context, outcome: "handled", since: start)
    } catch let failure as Failure {
      record(context, outcome: failure.kind.rawValue, since: start)
      throw failure
    }
  }

  private func record(_ context: HandlerContext, outcome: String, since start: Duration) {
    let labels = [("queue", context.queue), ("route", context.eventType), ("outcome", outcome)]
    Counter(label: "messaging.client.consumed.messages", dimensions: labels).increment()
    Timer(label: "messaging.process.duration", dimensions: labels).record(duration: clock.now - start)
  }
}
