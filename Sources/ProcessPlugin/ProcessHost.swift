/// Runs a plugin's processes. They are no part of the tasks that handle events: a process may outlive its event, and one that
/// is being ended takes longer than the worker waits for a handler that it has cancelled.
final class ProcessHost: Sendable {
  typealias Job = @Sendable () async -> Void

  private let jobs: AsyncStream<Job>
  private let queue: AsyncStream<Job>.Continuation

  init() {
    (jobs, queue) = AsyncStream.makeStream()
  }

  /// - Parameter job: Runs one process, and ends it when it is cancelled.
  func start(_ job: @escaping Job) {
    queue.yield(job)
  }

  /// Returns when it is cancelled, and all processes have ended.
  func run() async {
    await withDiscardingTaskGroup { group in
      for await job in jobs {
        group.addTask { await job() }
      }
      group.cancelAll()
    }
  }
}
