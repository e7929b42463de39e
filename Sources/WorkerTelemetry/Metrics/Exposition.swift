/// Metrics in a text format that Prometheus scrapes.
public struct Exposition: Sendable {
  /// The text format.
  public enum Format: Sendable {
    /// Prometheus's text format, version 0.0.4.
    case prometheus
    /// OpenMetrics, version 1.0.0.
    case openMetrics

    /// Selects the format that a request's `Accept` header prefers.
    public init(accepting accept: String?) {
      self = (accept ?? "").lowercased().contains("application/openmetrics-text") ? .openMetrics : .prometheus
    }
  }

  /// The text format.
  public let format: Format
  /// The metrics in the text format.
  public let text: String

  /// The value of the `Content-Type` header.
  public var contentType: String {
    switch format {
    case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }

  /// Formats metrics, sorted by name, so that two expositions can be compared.
  package init(of metrics: [MetricSnapshot], format: Format) {
    self.format = format
    var text = ""
    for metric in metrics.sorted(by: { $0.name < $1.name }) {
      // OpenMetrics omits the suffix of a counter in its metadata; Prometheus's format includes it.
      let head = metric.kind == .counter && format == .prometheus ? "\(metric.name)_total" : metric.name
      text += "# HELP \(head) \(MetricName.escaped(metric.help, quotes: format == .openMetrics))\n"
      text += "# TYPE \(head) \(metric.kind.rawValue)\n"
      for sample in metric.samples {
        let labels = sample.labels.isEmpty ? "" : "{\(sample.labels)}"
        text += "\(metric.name)\(sample.suffix)\(labels) \(Self.number(sample.value))\n"
      }
    }
    if format == .openMetrics { text += "# EOF\n" }
    self.text = text
  }

  /// The upper bound of a bucket. It is the same in both formats, so that the series does not depend on the format.
  static func bound(_ value: Double) -> String {
    value == .infinity ? "+Inf" : "\(value)"
  }

  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map(String.init) ?? "\(value)"
  }
}
