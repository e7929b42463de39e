/// A bucket of tokens, from which each start takes one: it holds `burst` tokens at most, and gains one each `interval`.
///
/// In any time of length t it lets burst + t ÷ interval start at most. It is kept as one moment, that at which it is full again, so
/// that nothing is rounded and a full bucket is one that need not be kept.
struct TokenBucket: Sendable {
  /// Before this there is less than ``burst`` in it.
  private(set) var fullAt = Duration.zero

  func isFull(at now: Duration) -> Bool { fullAt <= now }

  /// When it has a token, or has had one.
  func nextStart(interval: Duration, burst: Int) -> Duration {
    fullAt - interval * (burst - 1)
  }

  /// Takes a token, which must be there.
  mutating func take(at now: Duration, interval: Duration) {
    fullAt = max(fullAt, now) + interval
  }
}
