import Foundation

/// What came for the loop's thread and was not taken yet. It holds no more than one request for each open connection.
///
/// `@unchecked` is sound: the condition's lock is held wherever the state is touched.
final class Inbox: @unchecked Sendable {
  struct Batch {
    var requests: [Broker.Request]
    /// Whether receives that wait shall end.
    var endsWaits: Bool
  }

  private let condition = NSCondition()
  private var requests: [Broker.Request] = []
  private var endsWaits = false
  /// Whether the loop has not heard yet that waits shall end.
  private var hasNews = false
  private var isClosed = false

  func put(_ request: Broker.Request) {
    let isTaken = condition.withLock {
      guard !isClosed else { return false }
      requests.append(request)
      condition.signal()
      return true
    }
    if !isTaken { request.reply(.failure(.internalFailure)) }
  }

  func endWaits() {
    condition.withLock {
      endsWaits = true
      hasNews = true
      condition.signal()
    }
  }

  func close() {
    condition.withLock {
      isClosed = true
      condition.signal()
    }
  }

  /// Waits for requests, but no longer than `time`.
  ///
  /// - Returns: nil once it is closed and everything was taken.
  func next(until time: Milliseconds?, clock: () -> Milliseconds) -> Batch? {
    condition.lock()
    defer { condition.unlock() }
    while requests.isEmpty, !hasNews, !isClosed {
      guard let time else {
        condition.wait()
        continue
      }
      let left = time - clock()
      if left <= 0 { break }
      _ = condition.wait(until: Date(timeIntervalSinceNow: Double(left) / 1000))
    }
    if requests.isEmpty, isClosed { return nil }
    defer {
      requests.removeAll(keepingCapacity: true)
      hasNews = false
    }
    return Batch(requests: requests, endsWaits: endsWaits)
  }
}

/// Answers a caller, once.
///
/// `@unchecked` is sound: the lock is held wherever the continuation is touched.
final class Reply: @unchecked Sendable {
  private let lock = NSLock()
  private var continuation: CheckedContinuation<JSONValue, any Error>?

  init(_ continuation: CheckedContinuation<JSONValue, any Error>) {
    self.continuation = continuation
  }

  /// Later answers are passed over: a batch that failed answers everyone in it.
  func callAsFunction(_ result: Result<JSONValue, ServiceError>) {
    let continuation = lock.withLock {
      defer { self.continuation = nil }
      return self.continuation
    }
    continuation?.resume(with: result.mapError { $0 as any Error })
  }
}
