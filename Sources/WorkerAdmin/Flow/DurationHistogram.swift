/// How long things took, in buckets of which each is a fifth larger than the one before.
struct DurationHistogram: Sendable {
  private static let bucketsPerOctave = 4
  private static let bucketCount = 36 * bucketsPerOctave

  private var counts: [UInt32] = []
  private(set) var count = 0

  mutating func add(_ duration: Duration) {
    if counts.isEmpty { counts = [UInt32](repeating: 0, count: Self.bucketCount) }
    counts[Self.bucket(of: Self.microseconds(duration))] &+= 1
    count += 1
  }

  static func + (first: Self, second: Self) -> Self {
    if first.counts.isEmpty { return second }
    if second.counts.isEmpty { return first }
    var sum = first
    for index in sum.counts.indices { sum.counts[index] &+= second.counts[index] }
    sum.count += second.count
    return sum
  }

  /// - Parameter share: 0.5 for the median.
  /// - Returns: a duration that so large a share took at most, rounded up by a fifth at most; nil where there are none.
  func percentile(_ share: Double) -> Duration? {
    guard count > 0 else { return nil }
    let wanted = max(1, Int((Double(count) * share).rounded(.up)))
    var seen = 0
    for (index, bucket) in counts.enumerated() where bucket > 0 {
      seen += Int(bucket)
      if seen >= wanted { return .microseconds(Self.upperBound(of: index)) }
    }
    return nil
  }

  private static func microseconds(_ duration: Duration) -> Int {
    let parts = duration.components
    return max(0, Int(parts.seconds) * 1_000_000 + Int(parts.attoseconds / 1_000_000_000_000))
  }

  /// The number of leading bits gives the octave, the next two the bucket in it.
  private static func bucket(of microseconds: Int) -> Int {
    let value = microseconds + bucketsPerOctave
    let octave = Int.bitWidth - 1 - value.leadingZeroBitCount
    let part = (value >> (octave - 2)) & (bucketsPerOctave - 1)
    return min((octave - 2) * bucketsPerOctave + part, bucketCount - 1)
  }

  private static func upperBound(of bucket: Int) -> Int {
    let octave = bucket / bucketsPerOctave
    let part = bucket % bucketsPerOctave
    return ((bucketsPerOctave + part + 1) << octave) - 1 - bucketsPerOctave
  }
}
