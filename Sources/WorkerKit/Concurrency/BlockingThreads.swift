import Dispatch
import Foundation
import WorkerLocks

/// A pool of threads for blocking code, such as a synchronous driver. It creates threads on demand up to a limit, and
/// ends threads that stay idle.
package final class BlockingThreads: Sendable {
  /// The default of `threads: { blocking: … }` in `routes.yaml`, also used in tests of handlers.
  package static let standardLimit = 64
  package static let standard = BlockingThreads(limit: standardLimit)

  private static let idleLimit: TimeInterval = 30

  private struct Job {
    var id: Int
    var run: @Sendable () -> Void
    var cancel: @Sendable () -> Void
  }

  private struct State {
    /// The waiting jobs in order of arrival; at most one for each message in flight.
    var waiting: [Job] = []
    var lastID = 0
    var threads = 0
    /// Threads that wait for a signal and have not been sent one.
    var idleThreads = 0
  }

  private let limit: Int
  private let state = Mutex(State())
  private let signal = DispatchSemaphore(value: 0)

  package init(limit: Int) {
    self.limit = limit
  }

  /// Runs `body` on one of the threads and waits for its end. If all threads are busy, the call waits for a free one.
  ///
  /// - Throws: The error of `body`; `CancellationError` if the task is cancelled before a thread is free. Once `body`
  ///   has started, it cannot be stopped, and the call waits for it.
  package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        add(
          Job(
            id: id, run: { continuation.resume(with: Swift.Result { try body() }) },
            cancel: { continuation.resume(throwing: CancellationError()) }))
      }
    } onCancel: {
      let job = state.withLock { state in
        state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0) }
      }
      job?.cancel()
    }
  }

  private enum Next {
    case nothing, wakeThread, makeThread, cancel
  }

  private func add(_ job: Job) {
    let next = state.withLock { state -> Next in
      // A cancellation is detected here or by the cancellation handler, which takes this lock afterwards.
      guard !Task.isCancelled else { return .cancel }
      state.waiting.append(job)
      if state.idleThreads > 0 {
        state.idleThreads -= 1
        return .wakeThread
      }
      guard state.threads < limit else { return .nothing }
      state.threads += 1
      return .makeThread
    }
    switch next {
    case .nothing: break
    case .wakeThread: signal.signal()
    case .makeThread:
      let thread = Thread { self.work() }
      thread.name = "worker-blocking"
      thread.start()
    case .cancel: job.cancel()
    }
  }

  private func work() {
    while true {
      while let job = state.withLock({ state in state.waiting.isEmpty ? nil : state.waiting.removeFirst() }) {
        job.run()
      }
      let isIdle = state.withLock { state in
        if state.waiting.isEmpty { state.idleThreads += 1 }
        return state.waiting.isEmpty
      }
      guard isIdle, signal.wait(timeout: .now() + Self.idleLimit) == .timedOut else { continue }
      let isOver = state.withLock { state in
        // If no thread is idle, the signal has been sent and ends the next wait.
        guard state.idleThreads > 0 else { return false }
        state.idleThreads -= 1
        state.threads -= 1
        return true
      }
      if isOver { return }
    }
  }
}
