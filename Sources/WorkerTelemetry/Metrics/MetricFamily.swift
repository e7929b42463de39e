import WorkerKit
import WorkerLocks

/// A metric: all series with the same name.
final class MetricFamily: Sendable {
  /// The maximum number of series. Further label combinations share one series: a label with values from input must not
  /// exhaust the memory of the worker or of Prometheus.
  static let seriesLimit = 1_000
  /// The label that OpenTelemetry defines for this case.
  private static let overflowLabels = [("otel.metric.overflow", "true")]

  let name: String
  let description: MetricDescription
  private let series = Mutex<[String: any MetricSeries]>([:])

  init(_ description: MetricDescription) {
    self.description = description
    name = description.exposedName
  }

  /// The names of the metric's samples and of its metadata.
  var sampleNames: [String] {
    let suffixes =
      switch description.kind {
      case .counter: ["_total", "_created"]
      case .gauge: [String]()
      case .histogram, .timer: ["_bucket", "_sum", "_count", "_created"]
      }
    return [name] + suffixes.map { name + $0 }
  }

  /// Returns the series with these labels, and creates it if necessary.
  ///
  /// - Returns: The series, and whether it is the new overflow series.
  func series<Series: MetricSeries>(_ type: Series.Type, _ dimensions: [(String, String)]) -> (Series, overflows: Bool)
  {
    let labels = MetricName.labels(dimensions)
    let buckets = description.buckets
    return series.withLock { series in
      if let found = series[labels] as? Series { return (found, false) }
      var key = labels
      if series.count >= Self.seriesLimit {
        key = MetricName.labels(Self.overflowLabels)
        if let found = series[key] as? Series { return (found, false) }
      }
      let made = Series(buckets: buckets)
      series[key] = made
      return (made, key != labels)
    }
  }

  /// Removes a series that will not be recorded again.
  ///
  /// - Returns: Whether the series belongs to this metric.
  func remove(_ handler: AnyObject) -> Bool {
    series.withLock { series in
      guard let key = series.first(where: { $0.value === handler })?.key else { return false }
      series[key] = nil
      return true
    }
  }

  var snapshot: MetricSnapshot {
    let series = series.withLock { $0 }
    let kind: MetricSnapshot.Kind =
      switch description.kind {
      case .counter: .counter
      case .gauge: .gauge
      case .histogram, .timer: .histogram
      }
    return MetricSnapshot(
      name: name, kind: kind, help: description.help,
      samples: series.sorted { $0.key < $1.key }.flatMap { $0.value.samples(labels: $0.key) })
  }
}

extension MetricDescription {
  /// The metric's name in an exposition, without a counter's `_total`: `messaging_process_duration_seconds`.
  package var exposedName: String {
    MetricName.metric(label, unit: kind == .timer ? "seconds" : nil, isCounter: kind == .counter)
  }
}
