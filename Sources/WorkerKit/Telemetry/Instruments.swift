import WorkerLocks

/// The instruments of one metric, one for each combination of label values. Each is created at its first use.
package final class Instruments<Instrument: Sendable>: Sendable {
  private struct Values: Hashable {
    var first: String
    var second: String
    var third: String
  }

  private static var limit: Int { 1000 }

  private let fixed: [(String, String)]
  private let labels: [String]
  private let make: @Sendable ([(String, String)]) -> Instrument
  private struct Made {
    var instruments: [Values: Instrument] = [:]
    /// The instrument of the latest lookup, which is usually the next one too. Comparing equal text is faster than
    /// hashing it.
    var latest: (values: Values, instrument: Instrument)?
  }

  private let made = Mutex(Made())

  /// Creates the instruments of a metric.
  ///
  /// - Parameters:
  ///   - fixed: Labels with the same value for all instruments.
  ///   - labels: One to three labels with varying values.
  package init(
    fixed: [(String, String)] = [], labels: [String], make: @escaping @Sendable ([(String, String)]) -> Instrument
  ) {
    self.fixed = fixed
    self.labels = labels
    self.make = make
  }

  /// The instrument for a combination of label values, one for each label. An empty value means that the label does not
  /// apply.
  package subscript(first: String, second: String = "", third: String = "") -> Instrument {
    let values = Values(first: first, second: second, third: third)
    return made.withLock { made in
      if let latest = made.latest, latest.values == values { return latest.instrument }
      let instrument = made.instruments[values] ?? makeInstrument(values, &made.instruments)
      made.latest = (values, instrument)
      return instrument
    }
  }

  private func makeInstrument(_ values: Values, _ instruments: inout [Values: Instrument]) -> Instrument {
    let instrument = make(fixed + zip(labels, [values.first, values.second, values.third]))
    // Beyond the limit, a value stems from input. The metrics backend decides how to treat it.
    if instruments.count < Self.limit { instruments[values] = instrument }
    return instrument
  }
}

/// The names of labels. They follow OpenTelemetry's conventions if these define one.
package enum MetricLabel {
  package static let destination = "messaging.destination.name"
  package static let operation = "messaging.operation.name"
  package static let errorType = "error.type"
  package static let route = "route"
  package static let outcome = "outcome"
  package static let plugin = "plugin"
  package static let limit = "limit"
}
