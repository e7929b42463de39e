import WorkerKit
import WorkerLocks

/// How long handlers ran, in nanoseconds, and when they did; times are of this machine's uptime.
final class BusyTime: Sendable {
  struct Report: Encodable {
    var count: UInt64 = 0
    /// Of all handlers together.
    var time: UInt64 = 0
    var firstBegin = UInt64.max
    var lastEnd: UInt64 = 0
  }

  private let noted = Mutex(Report())

  func note(from begin: UInt64, to end: UInt64) {
    noted.withLock {
      $0.count += 1
      $0.time += end - begin
      $0.firstBegin = min($0.firstBegin, begin)
      $0.lastEnd = max($0.lastEnd, end)
    }
  }

  func report() -> Report { noted.withLock { $0 } }
}
