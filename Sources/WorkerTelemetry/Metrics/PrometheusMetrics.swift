public import CoreMetrics
public import Logging
public import WorkerKit
import WorkerLocks

/// A swift-metrics backend for Prometheus.
///
///     let metrics = PrometheusMetrics(logger: logger)
///     MetricsSystem.bootstrap(metrics)
///     …
///     let page = metrics.exposition(accepting: request.headers[.accept])
///
/// Counters have the suffix `_total`, timers are in seconds with the suffix `_seconds`, and dots become underscores.
/// Described metrics are in the exposition from the start, with their help; series appear once they are recorded.
/// Creating an instrument takes a global lock, recording does not: keep instruments that are used often.
public final class PrometheusMetrics: MetricsFactory {
  /// The maximum number of metrics. Further metrics are not recorded: their names are probably derived from input.
  private static let familyLimit = 1_000

  private struct State {
    var families: [String: MetricFamily] = [:]
    /// The metric that owns each sample name. Two metrics must not share one.
    var names: [String: String] = [:]
    /// The labels that were logged as impossible to record.
    var refused: Set<String> = []
  }

  private let state = Mutex(State())
  private let logger: Logger

  /// Creates a backend.
  ///
  /// - Parameters:
  ///   - descriptions: The metrics with a help text.
  ///   - logger: The logger for metrics that cannot be recorded.
  public init(describing descriptions: [MetricDescription] = MetricDescription.framework, logger: Logger) {
    self.logger = logger
    state.withLock { state in
      for name in ProcessMetrics.sampleNames { state.names[name] = "the process" }
    }
    for description in descriptions { _ = family(description.label, description.kind, description) }
  }

  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(CounterSeries.self, .counter, label, dimensions)
  }

  public func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    series(CounterSeries.self, .counter, label, dimensions)
  }

  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(GaugeSeries.self, .gauge, label, dimensions)
  }

  public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    aggregate
      ? series(HistogramSeries.self, .histogram, label, dimensions)
      : series(GaugeSeries.self, .gauge, label, dimensions)
  }

  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    series(HistogramSeries.self, .timer, label, dimensions)
  }

  public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
  public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
  public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
  public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

  /// Returns all metrics, including those of the process.
  ///
  /// - Parameter accept: The request's `Accept` header. OpenMetrics is used if the header requests it.
  public func exposition(accepting accept: String?) -> Exposition {
    Exposition(of: snapshots + ProcessMetrics.read(), format: Exposition.Format(accepting: accept))
  }

  package var snapshots: [MetricSnapshot] {
    state.withLock { $0.families }.values.map(\.snapshot)
  }

  private func remove(_ handler: AnyObject) {
    let families = state.withLock { $0.families }
    _ = families.values.first { $0.remove(handler) }
  }

  private func series<Series: MetricSeries>(
    _ type: Series.Type, _ kind: MetricDescription.Kind, _ label: String, _ dimensions: [(String, String)]
  ) -> Series {
    guard let family = family(label, kind) else { return Series(buckets: []) }
    let (series, overflows) = family.series(type, dimensions)
    if overflows {
      logger.warning(
        "a metric has too many sets of labels; further ones are recorded as one; do not take label values from input",
        metadata: ["metric": "\(label)", "limit": "\(MetricFamily.seriesLimit)"])
    }
    return series
  }

  /// The metric with a label.
  ///
  /// - Returns: nil if it cannot be recorded, which is logged once.
  private func family(
    _ label: String, _ kind: MetricDescription.Kind, _ description: MetricDescription? = nil
  ) -> MetricFamily? {
    let (family, reason) = state.withLock { state -> (MetricFamily?, String?) in
      if let found = state.families[label], found.description.kind == kind { return (found, nil) }
      let refusal: String
      if let found = state.families[label] {
        refusal = "it is recorded as a \(found.description.kind) already, and now as a \(kind)"
      } else if state.families.count >= Self.familyLimit {
        refusal = "there are \(Self.familyLimit) metrics already; do not take metric names from input"
      } else {
        let made = MetricFamily(
          description ?? MetricDescription.database.first { $0.label == label && $0.kind == kind }
            ?? MetricDescription(label: label, kind: kind, help: "Recorded as \(label)."))
        guard let taken = made.sampleNames.first(where: { state.names[$0] != nil }), let owner = state.names[taken]
        else {
          state.families[label] = made
          for name in made.sampleNames { state.names[name] = label }
          return (made, nil)
        }
        refusal = "its name in the exposition, \(taken), is one of \(owner)'s; give it another"
      }
      // Each label is logged once, and at most as many labels as there can be metrics.
      guard state.refused.count < Self.familyLimit, state.refused.insert("\(label) \(kind)").inserted else {
        return (nil, nil)
      }
      return (nil, refusal)
    }
    if let reason {
      logger.warning("a metric is not recorded", metadata: ["metric": "\(label)", "reason": "\(reason)"])
    }
    return family
  }
}
