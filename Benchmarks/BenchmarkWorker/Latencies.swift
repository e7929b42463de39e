import Dispatch
import Histogram
import WorkerKit
import WorkerLocks

/// How long messages took from the queue to their handler, in nanoseconds.
final class Latencies: Sendable {
  struct Report: Encodable {
    let count: UInt64
    let p50: UInt64
    let p99: UInt64
    let max: UInt64
  }

  private let histogram = Mutex(Histogram<UInt32>(numberOfSignificantValueDigits: .three))

  /// - Parameter sentAt: A time of this machine's uptime, which all processes share.
  func note(since sentAt: UInt64) {
    let now = DispatchTime.now().uptimeNanoseconds
    histogram.withLock { _ = $0.record(now - min(now, sentAt)) }
  }

  func report() -> Report {
    histogram.withLock {
      Report(count: $0.totalCount, p50: $0.valueAtPercentile(50), p99: $0.valueAtPercentile(99), max: $0.max)
    }
  }
}
