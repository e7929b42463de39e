import Logging
import Metrics

/// Cancels a handler that takes longer than its route allows, and reports one that goes on after it was told to stop: by
/// this, by a lost lease, or by a shutdown. Such a one keeps its slot, and nothing but the end of the process can take
/// that from it.
///
/// What a handler has done by its cancellation stands: one that finishes in spite of it has handled its event.
struct TimeoutMiddleware: Middleware {
  /// How long a handler may take to heed its cancellation.
  static let grace = Duration.seconds(10)

  let limit: Duration
  let clock: WorkerClock
  let deadlines: Deadlines

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    let run = HandlerRun(context: context, start: clock.now)
    let timeout = deadlines.set(at: run.start + limit) {
      run.note { $0.isTimedOut = true }
      run.context.logger.warning(
        "the handler takes longer than its route's timeout, and is cancelled", metadata: ["timeout": "\(limit)"])
      stop(run)
    }
    let result = await withTaskCancellationHandler {
      // Awaited here, so that it cannot be forgotten.
      await run.begin { try await next(run.context) }.result
    } onCancel: {
      stop(run)
    }
    deadlines.callOff(timeout)
    let end = run.note { $0.isFinished = true }
    if let report = end.report { deadlines.callOff(report) }
    guard case .failure(let error) = result else { return }
    guard end.isTimedOut else { throw error }
    throw EventError(
      .timeout, "the handler took longer than \(limit.inSeconds)s; make it faster, or raise the route's `timeout`")
  }

  /// Tells a handler to stop, and reports it unless it does.
  private func stop(_ run: HandlerRun) {
    guard run.stop() else { return }
    let report = deadlines.set(after: Self.grace) {
      guard !run.note({ _ in }).isFinished else { return }
      Counter(
        label: MetricDescription.stuckHandlers.label,
        dimensions: [(MetricLabel.destination, run.context.queue), (MetricLabel.route, run.context.eventType)]
      ).increment()
      run.context.logger.error(
        "the handler goes on though it was told to stop, and keeps its slot; make it heed its cancellation",
        metadata: ["age": "\((clock.now - run.start).inSeconds)s"])
    }
    if run.note({ $0.report = report }).isFinished { deadlines.callOff(report) }
  }
}

/// One call of a handler, and what has happened to it so far.
private final class HandlerRun: Sendable {
  struct Events {
    var isFinished = false
    var isTimedOut = false
    var isToldToStop = false
    /// When it is reported as stuck.
    var report: Deadlines.ID?
  }

  /// A task that runs, to be cancelled by others: any task may call that, and it is called under the lock, which the task
  /// itself takes before it ends.
  private struct RunningTask: @unchecked Sendable {
    let task: UnsafeCurrentTask

    func cancel() {
      task.cancel()
    }
  }

  private struct State {
    /// The handler's, while it runs.
    var task: RunningTask?
    var events = Events()
  }

  let context: HandlerContext
  let start: Duration
  private let state = Locked(State())

  init(context: HandlerContext, start: Duration) {
    self.context = context
    self.start = start
  }

  /// Begins a handler in a task of its own, so that it can be cancelled alone: in the caller's place, where the system can
  /// do that. One that does not wait then costs no change of threads.
  func begin(_ handler: @escaping @Sendable () async throws -> Void) -> Task<Void, any Error> {
    if #available(macOS 26, *) {
      Task.immediate { try await self.run(handler) }
    } else {
      Task { try await self.run(handler) }
    }
  }

  /// Notes the task while it runs. Whoever begins it has it only when the handler waits for the first time, or not at all,
  /// and one that does not wait must be told, too.
  private func run(_ handler: () async throws -> Void) async throws {
    try await withUnsafeCurrentTask { task in
      let task = task.map(RunningTask.init)
      state.withLock { state in
        state.task = task
        if state.events.isToldToStop { task?.cancel() }
      }
      defer { state.withLock { $0.task = nil } }
      try await handler()
    }
  }

  /// Cancels the handler.
  ///
  /// - Returns: whether this was the first to do so.
  func stop() -> Bool {
    state.withLock { state in
      state.task?.cancel()
      defer { state.events.isToldToStop = true }
      return !state.events.isToldToStop
    }
  }

  /// - Returns: what had happened before.
  @discardableResult
  func note(_ change: (inout Events) -> Void) -> Events {
    state.withLock { state in
      defer { change(&state.events) }
      return state.events
    }
  }
}
