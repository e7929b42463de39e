import Metrics

/// Records the duration of every message's handling, by route and error kind.
struct HandlingMetrics {
  private let durations = Instruments(
    labels: [MetricLabel.destination, MetricLabel.route, MetricLabel.errorType]
  ) { Timer(label: MetricDescription.processDuration.label, dimensions: $0) }

  /// - Parameter error: Why the message was not handled; nil if it was.
  func record(_ context: HandlerContext, _ error: (any Error)?, _ duration: Duration) {
    let failure = error as? HandlingFailure
    // Any other error means that the worker stops.
    guard error == nil || failure != nil else { return }
    let errorType = failure?.kind.rawValue ?? ""
    durations[context.queue, context.eventType, errorType].record(duration: duration)
  }
}
