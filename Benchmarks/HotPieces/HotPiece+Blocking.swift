import Dispatch
import WorkerKit
import WorkerLocks

extension HotPiece {
  /// Prepares the piece and runs it so often, and returns when that is done.
  ///
  /// It blocks its thread, which Swift's concurrency forbids its own threads: call it from a synchronous `main` alone. An
  /// asynchronous `main` is no choice where instructions are counted, for valgrind does not get through it.
  package func runBlocking(times: Int, in surroundings: Surroundings) throws {
    switch try blocking({ try await prepare(surroundings) }) {
    case .synchronous(let run):
      for _ in 0..<times { try run() }
    case .asynchronous(let run):
      // One task for all runs: the hand-over between threads is no part of the piece.
      try blocking { for _ in 0..<times { try await run() } }
    }
  }
}

private func blocking<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) throws -> Value {
  let outcome = Mutex<Result<Value, any Error>?>(nil)
  let isDone = DispatchSemaphore(value: 0)
  Task {
    let result: Result<Value, any Error>
    do { result = .success(try await work()) } catch { result = .failure(error) }
    outcome.withLock { $0 = result }
    isDone.signal()
  }
  isDone.wait()
  guard let result = outcome.withLock({ $0 }) else { preconditionFailure("signalled without an outcome") }
  return try result.get()
}
