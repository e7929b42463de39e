public import CoreMetrics
public import Logging
public import WorkerKit

/// A backend of swift-metrics that Prometheus reads.
///
///     let metrics = PrometheusMetrics(logger: logger)
///     MetricsSystem.bootstrap(metrics)
///     …
///     let page = metrics.exposition(accepting: request.headers[.accept])
///
/// Counters get `_total`, timers are in seconds and get `_seconds`, and dots become underscores. What is described is
/// in the exposition from the start, with its help; series come as they are recorded. Making an instrument takes a lock
/// that all share, recording does not: keep the instruments that are used often.
public final class PrometheusMetrics: MetricsFactory {
  /// As many metrics are kept. What comes later is not recorded: some name is made from input.
  private static let familyLimit = 1_000

  private struct State {
    var families: [String: MetricFamily] = [:]
    /// The names of all lines, and whose they are. Two metrics must not have one.
    var names: [String: String] = [:]
    /// Labels of which it was said that they cannot be recorded.
    var refused: Set<String> = []
  }

  private let state = Locked(State())
  private let logger: Logger

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

  /// All metrics at this moment, those of the process included.
  ///
  /// - Parameter accept: The request's `Accept` header; OpenMetrics where it asks for that.
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
        "a metric has too many sets of labels; further ones are recorded as one; take no label's values from input",
        metadata: ["metric": "\(label)", "limit": "\(MetricFamily.seriesLimit)"])
    }
    return series
  }

  /// - Returns: nil where it cannot be recorded, which is logged once.
  private func family(
    _ label: String, _ kind: MetricDescription.Kind, _ description: MetricDescription? = nil
  ) -> MetricFamily? {
    let (family, reason) = state.withLock { state -> (MetricFamily?, String?) in
      if let found = state.families[label], found.description.kind == kind { return (found, nil) }
      let refusal: String
      if let found = state.families[label] {
        refusal = "it is recorded as a \(found.description.kind) already, and now as a \(kind)"
      } else if state.families.count >= Self.familyLimit {
        refusal = "there are \(Self.familyLimit) metrics already; take no metric's name from input"
      } else {
        let made = MetricFamily(
          description ?? MetricDescription(label: label, kind: kind, help: "Recorded as \(label)."))
        guard let taken = made.sampleNames.first(where: { state.names[$0] != nil }), let owner = state.names[taken]
        else {
          state.families[label] = made
          for name in made.sampleNames { state.names[name] = label }
          return (made, nil)
        }
        refusal = "its name in the exposition, \(taken), is one of \(owner)'s; give it another"
      }
      // Once for each, and no more than there are metrics.
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
