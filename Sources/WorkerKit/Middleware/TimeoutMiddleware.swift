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
    // A task of its own, so that it can be cancelled alone; awaited here, so that it cannot be forgotten.
    let task = Task { try await next(run.context) }
    let timeout = deadlines.set(at: run.start + limit) {
      run.note { $0.isTimedOut = true }
      run.context.logger.warning(
        "the handler takes longer than its route's timeout, and is cancelled", metadata: ["timeout": "\(limit)"])
      task.cancel()
      watch(run)
    }
    let result = await withTaskCancellationHandler {
      await task.result
    } onCancel: {
      task.cancel()
      watch(run)
    }
    deadlines.callOff(timeout)
    let end = run.note { $0.isFinished = true }
    if let report = end.report { deadlines.callOff(report) }
    guard case .failure(let error) = result else { return }
    guard end.isTimedOut else { throw error }
    throw EventError(
      .timeout, "the handler took longer than \(limit.inSeconds)s; make it faster, or raise the route's `timeout`")
  }

  /// Reports a handler that was told to stop, unless it does.
  private func watch(_ run: HandlerRun) {
    guard run.note({ $0.isToldToStop = true }).isToldToStop == false else { return }
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
  struct State {
    var isFinished = false
    var isTimedOut = false
    var isToldToStop = false
    /// When it is reported as stuck.
    var report: Deadlines.ID?
  }

  let context: HandlerContext
  let start: Duration
  private let state = Locked(State())

  init(context: HandlerContext, start: Duration) {
    self.context = context
    self.start = start
  }

  /// - Returns: the state as it was before.
  @discardableResult
  func note(_ change: (inout State) -> Void) -> State {
    state.withLock { state in
      defer { change(&state) }
      return state
    }
  }
}
