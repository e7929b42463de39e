/// The state of a metric at one moment, as in an exposition.
package struct MetricSnapshot: Sendable {
  /// The kinds of the exposition formats. A gauge is any value that can increase and decrease.
  package enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  /// A sample of the exposition: the suffix of the metric's name, the labels and the value.
  package struct Sample: Sendable {
    var suffix = ""
    /// The labels without the surrounding braces.
    var labels: String
    var value: Double
  }

  /// The metric's name without a counter's `_total`.
  package var name: String
  package var kind: Kind
  package var help: String
  package var samples: [Sample]
}
