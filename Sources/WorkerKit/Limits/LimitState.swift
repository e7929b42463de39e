import DequeModule

/// What a limit decides: who starts, who waits, and for what. Pure: the time is given.
///
/// Each value of the limit's key has a bucket of tokens, and a queue of those that wait, the first of which starts next. One
/// that is full, and has nobody running or waiting, is dropped; beyond ``keyLimit`` others, further values share one.
struct LimitState: Sendable {
  /// What those that have no value for the key share; nil for a limit without a key, too.
  typealias Key = String?
  typealias ID = Int

  /// What the first in a queue needs.
  enum Step: Sendable, Equatable {
    /// It may start, with ``start(_:_:at:)``.
    case turn
    /// A token is there at that time.
    case token(at: Duration)
    /// Another must end, or start, first.
    case others
  }

  private struct Bucket: Sendable {
    var tokens = TokenBucket()
    var running = 0
    var queue: Deque<ID> = []
    /// When the last of those that were given back is due.
    var givenBackUntil = Duration.zero

    func isIdle(at now: Duration) -> Bool {
      running == 0 && queue.isEmpty && tokens.isFull(at: now) && givenBackUntil <= now
    }
  }

  /// Of a value 256 bytes long, a bucket takes about half a kilobyte.
  static let keyLimit = 10_000
  /// How many messages of one key may be given back and not be due yet. SQS counts them as in flight, of which it allows 120,000.
  static let givenBackLimit = 10_000

  let interval: Duration
  let burst: Int
  let concurrency: Int
  private var buckets: [Key: Bucket] = [:]
  /// How many buckets there may be before those that are idle are looked for, which takes a look at each.
  private var sweepAt = 64
  private var nextSweep = Duration.zero
  private(set) var waiting = 0
  /// How long a start keeps its place in ``concurrency``, in seconds: a mean that follows.
  private var meanDuration = 0.0

  init(interval: Duration, burst: Int, concurrency: Int) {
    self.interval = interval
    self.burst = burst
    self.concurrency = concurrency
  }

  var bucketCount: Int { buckets.count }

  /// The key whose bucket counts a value: its own, or the shared one where there are too many.
  ///
  /// One that waits or runs holds on to this.
  mutating func bucket(for key: Key, at now: Duration) -> Key {
    if buckets[key] != nil { return key }
    if buckets.count >= sweepAt, now >= nextSweep {
      nextSweep = now + .seconds(1)
      buckets = buckets.filter { !$0.value.isIdle(at: now) }
      sweepAt = max(64, min(2 * buckets.count, Self.keyLimit))
    }
    return buckets.count < Self.keyLimit ? key : nil
  }

  func waiting(for key: Key) -> Int { buckets[key]?.queue.count ?? 0 }

  /// Starts at once where nobody waits, and nothing has to be waited for.
  ///
  /// - Returns: whether it has started.
  mutating func startAtOnce(_ key: Key, at now: Duration) -> Bool {
    let bucket = buckets[key, default: Bucket()]
    guard bucket.queue.isEmpty, need(of: bucket, at: now) == .turn else { return false }
    begin(key, bucket, at: now)
    return true
  }

  /// Takes the last place in a key's queue.
  mutating func enter(_ id: ID, _ key: Key) {
    buckets[key, default: Bucket()].queue.append(id)
    waiting += 1
  }

  /// What one in the queue waits for.
  func step(_ id: ID, _ key: Key, at now: Duration) -> Step {
    guard let bucket = buckets[key], bucket.queue.first == id else { return .others }
    return need(of: bucket, at: now)
  }

  private func need(of bucket: Bucket, at now: Duration) -> Step {
    guard bucket.running < concurrency else { return .others }
    let time = bucket.tokens.nextStart(interval: interval, burst: burst)
    return time <= now ? .turn : .token(at: time)
  }

  /// Starts the one whose turn it is.
  ///
  /// - Returns: who is first now.
  mutating func start(_ id: ID, _ key: Key, at now: Duration) -> ID? {
    guard var bucket = buckets[key] else { return nil }
    bucket.queue.removeFirst()
    waiting -= 1
    begin(key, bucket, at: now)
    return bucket.queue.first
  }

  private mutating func begin(_ key: Key, _ bucket: Bucket, at now: Duration) {
    var bucket = bucket
    bucket.tokens.take(at: now, interval: interval)
    bucket.running += 1
    buckets[key] = bucket
  }

  /// Leaves the queue without a start.
  ///
  /// - Returns: who is first now, where that was another before.
  mutating func leave(_ id: ID, _ key: Key) -> ID? {
    guard var bucket = buckets[key], let index = bucket.queue.firstIndex(of: id) else { return nil }
    bucket.queue.remove(at: index)
    waiting -= 1
    buckets[key] = bucket
    return index == 0 ? bucket.queue.first : nil
  }

  /// Notes that one has ended, which took that long.
  ///
  /// - Returns: who is first, and may have waited for that.
  mutating func end(_ key: Key, after duration: Duration) -> ID? {
    meanDuration += (duration.inSeconds - meanDuration) / 8
    buckets[key]?.running -= 1
    return buckets[key]?.queue.first
  }

  /// For how long one more of a key is best given back, because those that wait for it take up their share: until about its turn,
  /// behind those that wait and those that were given back before.
  ///
  /// - Parameter room: For how many more there is room. A key gets as many places as are left free: a single one half of
  ///   them all, two a third each.
  /// - Returns: nil where it may wait here.
  mutating func postponement(_ key: Key, room: Int, at now: Duration) -> Duration? {
    guard let bucket = buckets[key], !bucket.queue.isEmpty, bucket.queue.count >= room else { return nil }
    let pace = max(interval, .seconds(meanDuration / Double(concurrency)))
    let until = max(bucket.givenBackUntil, now + pace * bucket.queue.count) + pace
    guard until - now <= pace * Self.givenBackLimit else { return nil }
    buckets[key]?.givenBackUntil = until
    return until - now
  }
}
