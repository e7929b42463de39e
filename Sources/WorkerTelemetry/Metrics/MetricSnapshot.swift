/// One metric at one moment, as an exposition shows it.
package struct MetricSnapshot: Sendable {
  /// As the exposition formats name them. A gauge is whatever goes up and down.
  package enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  /// A line of the exposition: the metric's name and suffix, then the labels, then the value.
  package struct Sample: Sendable {
    var suffix = ""
    /// As they stand between the braces, without them.
    var labels: String
    var value: Double
  }

  /// Without a counter's `_total`.
  package var name: String
  package var kind: Kind
  package var help: String
  package var samples: [Sample]
}
