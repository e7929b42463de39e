/// SQS's quotas. Source: the Amazon SQS developer guide, "Amazon SQS quotas", and its API reference.
enum Limits {
  /// Bytes of a message, and of a batch of them: bodies and attributes together.
  static let messageSize = 1_048_576
  static let batchEntries = 10
  static let messageAttributes = 10
  static let messagesInFlight = 120_000
  static let tags = 50
  /// Seconds.
  static let visibilityTimeout = 0...43_200
  /// Seconds.
  static let delay = 0...900
  /// Seconds.
  static let waitTime = 0...20
  /// Seconds.
  static let retention = 60...1_209_600
  static let messagesPerReceive = 1...10
  static let maxReceiveCount = 1...1_000
  /// Seconds during which a FIFO queue knows a deduplication id.
  static let deduplicationInterval = 300

  /// - Throws: `InvalidParameterValue` for a number that is not in a range.
  static func check(_ value: Int?, _ name: String, in range: ClosedRange<Int>) throws {
    guard let value, !range.contains(value) else { return }
    throw ServiceError.invalidParameter(
      name, value, "Must be between \(range.lowerBound) and \(range.upperBound), if provided.")
  }
}
