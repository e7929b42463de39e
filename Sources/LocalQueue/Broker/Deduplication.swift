import DequeModule

/// What a FIFO queue took in during the last five minutes, by deduplication id.
struct Deduplication {
  /// A message that was taken in.
  struct Original {
    var messageID: String
    /// The row that it got.
    var message: Int64
    var sentAt: Milliseconds
  }

  private var originals: [String: Original] = [:]
  /// In the order in which they were sent.
  private var keys: Deque<(key: String, sentAt: Milliseconds)> = []

  /// The message that another of the same key is taken for.
  mutating func original(for key: String, at now: Milliseconds) -> Original? {
    let forgotten = now - .seconds(Limits.deduplicationInterval)
    while let oldest = keys.first, oldest.sentAt <= forgotten {
      keys.removeFirst()
      if originals[oldest.key]?.sentAt == oldest.sentAt { originals[oldest.key] = nil }
    }
    return originals[key].flatMap { $0.sentAt > forgotten ? $0 : nil }
  }

  mutating func note(_ original: Original, for key: String) {
    originals[key] = original
    keys.append((key, original.sentAt))
  }
}
