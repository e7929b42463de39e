import Foundation

/// The requests that wait for the loop's thread: at most one for each open connection.
///
/// `@unchecked Sendable` is sound: the state is accessed only under the condition's lock.
final class Inbox: @unchecked Sendable {
  struct Batch {
    var requests: [Broker.Request]
    /// Whether waiting receives are to end.
    var endsWaits: Bool
  }

  private let condition = NSCondition()
  private var requests: [Broker.Request] = []
  private var endsWaits = false
  /// Whether the loop has yet to process the end of waiting receives.
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

  /// Waits for requests, at most until `time`.
  ///
  /// - Returns: nil after the inbox was closed and all requests were taken.
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

/// Sends a response to a caller, once.
///
/// `@unchecked Sendable` is sound: the continuation is accessed only under the lock.
final class Reply: @unchecked Sendable {
  private let lock = NSLock()
  private var continuation: CheckedContinuation<JSONValue, any Error>?

  init(_ continuation: CheckedContinuation<JSONValue, any Error>) {
    self.continuation = continuation
  }

  /// Sends the response. Later calls are ignored: a failed batch answers all its requests.
  func callAsFunction(_ result: Result<JSONValue, ServiceError>) {
    let continuation = lock.withLock {
      defer { self.continuation = nil }
      return self.continuation
    }
    continuation?.resume(with: result.mapError { $0 as any Error })
  }
}
