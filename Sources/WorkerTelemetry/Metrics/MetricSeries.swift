import CoreMetrics
import WorkerKit
import WorkerLocks

/// The values of one metric with one combination of labels. Each has its own lock, which is held for a few
/// instructions.
protocol MetricSeries: AnyObject, Sendable {
  init(buckets: [Double])

  /// The samples; empty if nothing was recorded.
  func samples(labels: String) -> [MetricSnapshot.Sample]
}

final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler {
  private let total = Mutex(0.0)

  init(buckets: [Double] = []) {}

  func increment(by amount: Int64) {
    increment(by: Double(amount))
  }

  /// A counter never decreases, and a value that is not a number would remain in it permanently.
  func increment(by amount: Double) {
    guard amount > 0, amount.isFinite else { return }
    total.withLock { $0 += amount }
  }

  func reset() {
    total.withLock { $0 = 0 }
  }

  func samples(labels: String) -> [MetricSnapshot.Sample] {
    [.init(suffix: "_total", labels: labels, value: total.withLock { $0 })]
  }
}

final class GaugeSeries: MetricSeries, RecorderHandler, MeterHandler {
  private let value = Mutex(Double?.none)

  init(buckets: [Double] = []) {}

  func record(_ value: Int64) { set(Double(value)) }
  func record(_ value: Double) { set(value) }
  func set(_ value: Int64) { set(Double(value)) }

  func set(_ value: Double) {
    self.value.withLock { $0 = value }
  }

  func increment(by amount: Double) {
    value.withLock { $0 = ($0 ?? 0) + amount }
  }

  func decrement(by amount: Double) {
    increment(by: -amount)
  }

  func samples(labels: String) -> [MetricSnapshot.Sample] {
    guard let value = value.withLock({ $0 }) else { return [] }
    return [.init(labels: labels, value: value)]
  }
}

/// A distribution in buckets.
final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
  private struct Counts {
    /// One count for each bound, and one for the values above all bounds.
    var buckets: [UInt64]
    var sum = 0.0
  }

  /// The upper bounds of the buckets, ascending.
  private let bounds: [Double]
  private let counts: Mutex<Counts>

  init(buckets: [Double]) {
    bounds = Set(buckets.filter(\.isFinite)).sorted()
    counts = Mutex(Counts(buckets: Array(repeating: 0, count: bounds.count + 1)))
  }

  func record(_ value: Int64) { record(Double(value)) }
  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

  /// A value that is not a finite number is ignored, because it would remain in the sum permanently.
  func record(_ value: Double) {
    guard value.isFinite else { return }
    let index = bounds.firstIndex { value <= $0 } ?? bounds.count
    counts.withLock { counts in
      counts.buckets[index] += 1
      counts.sum += value
    }
  }

  func samples(labels: String) -> [MetricSnapshot.Sample] {
    let counts = counts.withLock { $0 }
    let separator = labels.isEmpty ? "" : ","
    var total: UInt64 = 0
    var samples = zip(bounds + [.infinity], counts.buckets).map { bound, count in
      total += count
      return MetricSnapshot.Sample(
        suffix: "_bucket", labels: #"\#(labels)\#(separator)le="\#(Exposition.bound(bound))""#, value: Double(total))
    }
    samples.append(.init(suffix: "_sum", labels: labels, value: counts.sum))
    samples.append(.init(suffix: "_count", labels: labels, value: Double(total)))
    return samples
  }
}
