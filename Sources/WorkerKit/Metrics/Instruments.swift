/// Instruments of one metric, which differ by their labels' values; each is made when it is first needed.
final class Instruments<Instrument: Sendable>: Sendable {
  private static var limit: Int { 1000 }

  private let labels: [String]
  private let make: @Sendable ([(String, String)]) -> Instrument
  private let made = Locked<[[String]: Instrument]>([:])

  init(labels: [String], make: @escaping @Sendable ([(String, String)]) -> Instrument) {
    self.labels = labels
    self.make = make
  }

  /// - Parameter values: One for each label. An empty one says that the label does not apply.
  subscript(values: String...) -> Instrument {
    made.withLock { made in
      if let instrument = made[values] { return instrument }
      let instrument = make(Array(zip(labels, values)))
      // Beyond that, some value comes from input: the backend decides what becomes of it.
      if made.count < Self.limit { made[values] = instrument }
      return instrument
    }
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
