import WorkerKit
import WorkerLocks

/// Limits how many of something there are at once, such as live pages.
final class ConcurrencyLimit: Sendable {
  /// One of them. It counts as long as this object exists, so a response whose body is never written frees it, too.
  final class Slot: Sendable {
    private let limit: ConcurrencyLimit

    fileprivate init(_ limit: ConcurrencyLimit) {
      self.limit = limit
    }

    deinit {
      limit.count.withLock { $0 -= 1 }
    }
  }

  private let limit: Int
  private let count = Mutex(0)

  init(_ limit: Int) {
    self.limit = limit
  }

  /// - Returns: nil if there are as many as the limit allows.
  func take() -> Slot? {
    let isFree = count.withLock { count in
      guard count < limit else { return false }
      count += 1
      return true
    }
    return isFree ? Slot(self) : nil
  }
}
