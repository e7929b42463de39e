import WorkerLocks

/// A counting semaphore for tasks: first come, first served.
package final class AsyncSemaphore: Sendable {
  private struct State {
    var free: Int
    var lastID = 0
    var waiting: [(id: Int, continuation: CheckedContinuation<Void, any Error>)] = []
  }

  private let limit: Int
  private let state: Mutex<State>

  /// - Parameter limit: How many tasks pass before one signals.
  package init(_ limit: Int) {
    self.limit = limit
    state = Mutex(State(free: limit))
  }

  /// How many have passed and not signaled yet, and how many wait.
  package var count: Int { state.withLock { limit - $0.free + $0.waiting.count } }

  /// Runs `body` between ``wait()`` and ``signal()``.
  ///
  /// - Throws: The error of `body`; `CancellationError` if the task is cancelled before its turn.
  package func run<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    try await wait()
    defer { signal() }
    return try await body()
  }

  /// - Throws: `CancellationError` if the task is cancelled before its turn. Then it must not signal.
  package func wait() async throws {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result: Result<Void, any Error>? = state.withLock { state in
          // A cancellation is detected here or by the cancellation handler, which takes this lock afterwards.
          if Task.isCancelled { return .failure(CancellationError()) }
          guard state.free == 0 else {
            state.free -= 1
            return .success(())
          }
          state.waiting.append((id, continuation))
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0) }
      }
      waiter?.continuation.resume(throwing: CancellationError())
    }
  }

  package func signal() {
    let next = state.withLock { state in
      if state.waiting.isEmpty {
        state.free += 1
        return nil as CheckedContinuation<Void, any Error>?
      }
      return state.waiting.removeFirst().continuation
    }
    next?.resume()
  }
}
