import Metrics

/// Times every message's handling by route, and by what it failed with.
struct MetricsMiddleware: Middleware {
  private let clock: WorkerClock
  private let durations = Instruments(
    labels: [MetricLabel.destination, MetricLabel.route, MetricLabel.errorType]
  ) { Timer(label: MetricDescription.processDuration.label, dimensions: $0) }

  init(clock: WorkerClock) {
    self.clock = clock
  }

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    do {
      try await next(context)
      record(context, errorType: "")
    } catch {
      if let kind = (error as? Failure)?.kind { record(context, errorType: kind.rawValue) }
      throw error
    }
  }

  private func record(_ context: HandlerContext, errorType: String) {
    durations[context.queue, context.eventType, errorType].record(duration: clock.now - context.start)
  }
}
