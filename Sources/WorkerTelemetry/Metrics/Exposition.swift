/// Metrics in the text that Prometheus reads.
public struct Exposition: Sendable {
  public enum Format: Sendable {
    /// Prometheus's own, version 0.0.4.
    case prometheus
    /// Version 1.0.0.
    case openMetrics

    /// Which of them a request's `Accept` header asks for.
    public init(accepting accept: String?) {
      self = (accept ?? "").lowercased().contains("application/openmetrics-text") ? .openMetrics : .prometheus
    }
  }

  public let format: Format
  public let text: String

  public var contentType: String {
    switch format {
    case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }

  /// In the order of their names, so that two readings can be compared.
  package init(of metrics: [MetricSnapshot], format: Format) {
    self.format = format
    var text = ""
    for metric in metrics.sorted(by: { $0.name < $1.name }) {
      // OpenMetrics names a counter without its suffix, and Prometheus's format with it.
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

  /// A bucket's bound: the same in both formats, so that a series does not depend on which one was asked for.
  static func bound(_ value: Double) -> String {
    value == .infinity ? "+Inf" : "\(value)"
  }

  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map(String.init) ?? "\(value)"
  }
}
