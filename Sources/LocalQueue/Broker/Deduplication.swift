import DequeModule

/// The messages that a FIFO queue accepted in the last five minutes, by deduplication id.
struct Deduplication {
  /// An accepted message.
  struct Original {
    var messageID: String
    /// The id of its row.
    var message: Int64
    var sentAt: Milliseconds
  }

  private var originals: [String: Original] = [:]
  /// The keys in the order in which they were sent.
  private var keys: Deque<(key: String, sentAt: Milliseconds)> = []

  /// The accepted message that another message with the same key duplicates.
  mutating func original(for key: String, at now: Milliseconds) -> Original? {
    let forgotten = now - .seconds(Limits.deduplicationInterval)
    while let oldest = keys.first, oldest.sentAt <= forgotten {
      keys.removeFirst()
      if originals[oldest.key]?.sentAt == oldest.sentAt { originals[oldest.key] = nil }
    }
    return originals[key].flatMap { $0.sentAt > forgotten ? $0 : nil }
  }

  mutating func record(_ original: Original, for key: String) {
    originals[key] = original
    keys.append((key, original.sentAt))
  }
}
