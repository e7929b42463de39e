/// SQS's quotas. Source: the Amazon SQS developer guide, "Amazon SQS quotas", and its API reference.
enum Limits {
  /// The maximum size of a message and of a batch in bytes, bodies and attributes together.
  static let messageSize = 1_048_576
  static let batchEntries = 10
  static let messageAttributes = 10
  static let messagesInFlight = 120_000
  static let tags = 50
  /// In seconds.
  static let visibilityTimeout = 0...43_200
  /// In seconds.
  static let delay = 0...900
  /// In seconds.
  static let waitTime = 0...20
  /// In seconds.
  static let retention = 60...1_209_600
  static let messagesPerReceive = 1...10
  static let maxReceiveCount = 1...1_000
  /// How long a FIFO queue remembers a deduplication id, in seconds.
  static let deduplicationInterval = 300

  /// Checks a parameter.
  ///
  /// - Throws: `InvalidParameterValue` if the value is out of range.
  static func check(_ value: Int?, _ name: String, in range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    let bounds =
      range.lowerBound == 0
      ? ">= 0 and <= \(range.upperBound)" : "between \(range.lowerBound) and \(range.upperBound)"
    throw ServiceError.invalidParameter(name, value, "Must be \(bounds), if provided.")
  }
}
