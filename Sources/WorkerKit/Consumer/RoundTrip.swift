/// How long a receive takes that need not wait for messages: with few under way, and with as many as there are.
///
/// With few under way it is the network's and the queue's time. What comes on top with many is waiting: for this process,
/// which has more answers than it can handle, or for the queue. Both are averages: a network whose answers take one time 5 ms and
/// another time 50 is no slower with many under way than with few.
///
/// With twice as many under way for long, the time with few is measured again, after so many round trips:
///
/// | the first time | then |
/// |---|---|
/// | 16 | 64 |
///
/// That takes two round trips with few under way: 3 % of the time.
struct RoundTrip: Sendable {
  /// A receive that had to wait for messages all the same must not count for long.
  private static let longest = 1.0
  /// How many receives make a measurement; as many before them began with more under way, or had to open a connection.
  private static let samples = 8
  private static let firstInterval = 16.0

  /// In seconds, with few receives under way: as it was measured, or before that, as the first receives were. Nil before them.
  private(set) var base: Double?
  private(set) var isMeasured = false
  /// In seconds, of the last receives.
  private var current = 0.0
  private var sum = 0.0
  /// How many receives in a row have ended with few under way.
  private var few = 0
  /// How many round trips have passed with many under way since the last measurement.
  private var trips = 0.0
  private var interval = Self.firstInterval

  /// How many times as long as with few under way a receive takes.
  var slowdown: Double {
    guard let base, base > 0, isMeasured else { return 1 }
    return current / base
  }

  /// Adds how long a receive took.
  ///
  /// - Parameter underWay: How many were under way when it ended.
  mutating func add(_ duration: Duration, underWay: Int) {
    let sample = min(duration.inSeconds, Self.longest)
    few = underWay <= PollConcurrency.few ? few + 1 : 0
    if isMeasured {
      current += (sample - current) / 16
      keep(sample, underWay)
    } else {
      measure(sample)
    }
  }

  private mutating func measure(_ sample: Double) {
    if interval == Self.firstInterval { base = base.map { $0 + (sample - $0) / 8 } ?? sample }
    guard few > Self.samples else { return }
    sum += sample
    guard few == 2 * Self.samples else { return }
    base = sum / Double(Self.samples)
    current = sum / Double(Self.samples)
    isMeasured = true
  }

  private mutating func keep(_ sample: Double, _ underWay: Int) {
    guard let base else { return }
    if few > Self.samples {
      self.base = base + (sample - base) / 8
      trips = 0
    } else if few == 0 {
      if underWay > 2 * PollConcurrency.few { trips += 1 / Double(underWay) }
      // The network has become faster.
      if current < base { self.base = base + (current - base) / 64 }
      if trips >= interval { measureAnew() }
    }
  }

  private mutating func measureAnew() {
    isMeasured = false
    (sum, few, trips, interval) = (0, 0, 0, 64)
  }
}
