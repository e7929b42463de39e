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
    try Task.checkCancellation()
    let run = HandlerRun(context: context)
    let timeout = deadlines.set(at: context.start + limit) {
      run.note { $0.isTimedOut = true }
      run.context.logger.warning(
        "the handler takes longer than its route's timeout, and is cancelled", metadata: ["timeout": "\(limit)"])
      stop(run)
    }
    let result = await withTaskCancellationHandler {
      let task = Self.begin { try await next(run.context) }
      if run.note({ $0.task = task }).isToldToStop { task.cancel() }
      return await task.result
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

  /// A task of its own, so that it can be cancelled alone; awaited, so that it cannot be forgotten. It begins in the
  /// caller's place, where the system can do that: a handler that does not wait costs no change of tasks.
  private static func begin(_ handler: @escaping @Sendable () async throws -> Void) -> Task<Void, any Error> {
    if #available(macOS 26, *) {
      Task.immediate { try await handler() }
    } else {
      Task { try await handler() }
    }
  }

  /// Tells a handler to stop, and reports it unless it does.
  private func stop(_ run: HandlerRun) {
    let before = run.note { $0.isToldToStop = true }
    before.task?.cancel()
    guard !before.isToldToStop else { return }
    let report = deadlines.set(after: Self.grace) {
      guard !run.note({ _ in }).isFinished else { return }
      Counter(
        label: MetricDescription.stuckHandlers.label,
        dimensions: [(MetricLabel.destination, run.context.queue), (MetricLabel.route, run.context.eventType)]
      ).increment()
      run.context.logger.error(
        "the handler goes on though it was told to stop, and keeps its slot; make it heed its cancellation",
        metadata: ["age": "\((clock.now - run.context.start).inSeconds)s"])
    }
    if run.note({ $0.report = report }).isFinished { deadlines.callOff(report) }
  }
}

/// One call of a handler, and what has happened to it so far.
private final class HandlerRun: Sendable {
  struct State {
    var task: Task<Void, any Error>?
    var isFinished = false
    var isTimedOut = false
    var isToldToStop = false
    /// When it is reported as stuck.
    var report: Deadlines.ID?
  }

  let context: HandlerContext
  private let state = Locked(State())

  init(context: HandlerContext) {
    self.context = context
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
