import WorkerLocks

/// A value that tasks can wait on. Each task waits until its own condition holds or the task is cancelled.
package final class AsyncValue<Value: Sendable>: Sendable {
  private struct Waiter {
    let condition: @Sendable (Value) -> Bool
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var value: Value
    var waiters: [Int: Waiter] = [:]
    /// Waits that were cancelled before they started.
    var cancelled: Set<Int> = []
    var nextID = 0
  }

  private let state: Mutex<State>

  package init(_ value: Value) {
    state = Mutex(State(value: value))
  }

  package var value: Value { state.withLock { $0.value } }

  /// Reads a part of the value without copying all of it.
  package func read<Part: Sendable>(_ part: @Sendable (Value) -> Part) -> Part {
    state.withLock { part($0.value) }
  }

  /// Changes the value, and resumes the tasks whose condition now holds.
  package func update<Result: Sendable>(_ change: @Sendable (inout Value) -> Result) -> Result {
    let (result, ready) = state.withLock { state in
      let result = change(&state.value)
      var ready: [CheckedContinuation<Void, any Error>] = []
      for (id, waiter) in state.waiters where waiter.condition(state.value) {
        ready.append(waiter.continuation)
        state.waiters[id] = nil
      }
      return (result, ready)
    }
    for continuation in ready {
      continuation.resume()
    }
    return result
  }

  /// Waits until a condition holds. Returns at once if it already holds.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  package func wait(until condition: @escaping @Sendable (Value) -> Bool) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    defer { state.withLock { _ = $0.cancelled.remove(id) } }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome = state.withLock { state -> Result<Void, any Error>? in
          if state.cancelled.contains(id) { return .failure(CancellationError()) }
          if condition(state.value) { return .success(()) }
          state.waiters[id] = Waiter(condition: condition, continuation: continuation)
          return nil
        }
        if let outcome {
          continuation.resume(with: outcome)
        }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.cancelled.insert(id)
        return state.waiters.removeValue(forKey: id)
      }
      waiter?.continuation.resume(throwing: CancellationError())
    }
  }
}
