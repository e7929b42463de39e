/// Instruments of one metric, which differ by their labels' values; each is made when it is first needed.
final class Instruments<Instrument: Sendable>: Sendable {
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
    /// The last that was asked for: most often it is the next one, too, and the same text is faster compared than hashed.
    var latest: (values: Values, instrument: Instrument)?
  }

  private let made = Locked(Made())

  /// - Parameters:
  ///   - fixed: Labels whose values are the same for all.
  ///   - labels: One to three whose values are not.
  init(
    fixed: [(String, String)] = [], labels: [String], make: @escaping @Sendable ([(String, String)]) -> Instrument
  ) {
    self.fixed = fixed
    self.labels = labels
    self.make = make
  }

  /// - Parameters: One value for each label. An empty one says that the label does not apply.
  subscript(first: String, second: String = "", third: String = "") -> Instrument {
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
    // Beyond that, some value comes from input: the backend decides what becomes of it.
    if instruments.count < Self.limit { instruments[values] = instrument }
    return instrument
  }
}

/// The names of labels: the conventions' where they have one.
enum MetricLabel {
  static let destination = "messaging.destination.name"
  static let operation = "messaging.operation.name"
  static let errorType = "error.type"
  static let route = "route"
  static let outcome = "outcome"
  static let plugin = "plugin"
}
