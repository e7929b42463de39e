import Dispatch
import Foundation
import WorkerLocks

/// The thread of the worker's own work: receives, leases, timers, settlement, signals, health and metrics.
///
/// Handlers run on Swift's pool, which has one thread for each core. If handlers block all of these threads, lease
/// renewal and shutdown must still work, so they run on this thread. No plugin code runs here, and nothing that runs
/// here may block.
///
///     await withTaskExecutorPreference(WorkerThread.shared) { … }     // and all child tasks
///     Task(executorPreference: WorkerThread.shared) { … }             // a new task inherits no preference
package final class WorkerThread: TaskExecutor {
  private struct Sleeper {
    var end: ContinuousClock.Instant
    var continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var jobs: [UnownedJob] = []
    var sleepers: [Int: Sleeper] = [:]
    var lastSleeper = 0
    /// When the first sleeper wakes, or earlier; nil if there is none.
    var firstEnd: ContinuousClock.Instant?
    /// Whether the thread waits, or is about to wait.
    var isWaiting = false
  }

  package static let shared = WorkerThread(name: "worker")

  private let state = Mutex(State())
  private let work = DispatchSemaphore(value: 0)

  private init(name: String) {
    // The thread lives as long as the process; it is never stopped.
    let thread = Thread { self.run() }
    thread.name = name
    thread.start()
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    wake { $0.jobs.append(job) }
  }

  /// Sleeps with this thread's own timer. Swift's sleeps end on its pool, whose threads handlers may block. A cancelled
  /// sleep leaves nothing behind.
  ///
  /// - Throws: `CancellationError` as soon as the task is cancelled.
  func sleep(until end: ContinuousClock.Instant) async throws {
    let id = state.withLock { state in
      state.lastSleeper += 1
      return state.lastSleeper
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let sleeper = Sleeper(end: end, continuation: continuation)
        let isCancelled = wake { state in
          // A cancellation is detected here or by the handler below, which takes this lock afterwards.
          guard !Task.isCancelled else { return true }
          state.sleepers[id] = sleeper
          state.firstEnd = min(end, state.firstEnd ?? end)
          return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Changes the state, and wakes the thread to process it.
  private func wake<Result: Sendable>(_ change: (inout State) -> Result) -> Result {
    let (result, isWaiting) = state.withLock { state in
      let result = change(&state)
      defer { state.isWaiting = false }
      return (result, state.isWaiting)
    }
    if isWaiting { work.signal() }
    return result
  }

  private func run() {
    while true {
      let (jobs, sleepers, firstEnd) = takeWork()
      for sleeper in sleepers { sleeper.continuation.resume() }
      for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
      guard jobs.isEmpty, sleepers.isEmpty else { continue }
      guard let firstEnd else {
        work.wait()
        continue
      }
      _ = work.wait(timeout: .now() + max(0, ContinuousClock.now.duration(to: firstEnd).inSeconds))
    }
  }

  /// Takes the work that is due.
  ///
  /// - Returns: The jobs to run and the sleepers to resume now; if there are none, when the next sleeper wakes.
  private func takeWork() -> (jobs: [UnownedJob], sleepers: [Sleeper], firstEnd: ContinuousClock.Instant?) {
    state.withLock { state in
      var due: [Sleeper] = []
      if let firstEnd = state.firstEnd, firstEnd <= .now { due = Self.takeDue(&state) }
      let jobs = state.jobs
      state.jobs = []
      state.isWaiting = jobs.isEmpty && due.isEmpty
      return (jobs, due, state.firstEnd)
    }
  }

  private static func takeDue(_ state: inout State) -> [Sleeper] {
    let now = ContinuousClock.now
    let due = state.sleepers.filter { $0.value.end <= now }
    for id in due.keys { state.sleepers[id] = nil }
    state.firstEnd = state.sleepers.values.lazy.map(\.end).min()
    return due.values.sorted { $0.end < $1.end }
  }
}
