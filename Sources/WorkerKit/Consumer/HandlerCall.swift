import Logging
import Metrics
import WorkerLocks

/// One call of a handler, in a task of its own so that it can be cancelled alone.
///
/// Cancels a handler that takes longer than its route's timeout, and reports one that goes on ``grace`` after its cancellation, by
/// the timeout, a lost lease or a shutdown. Such a handler keeps its slot: nothing but the end of the process can take it away.
///
/// What a handler has done by its cancellation counts: one that finishes nevertheless has handled its event, and one that throws a
/// ``ClassifiedError`` has said why it did not.
final class HandlerCall: PausableTimeout {
  typealias Handler = @Sendable (EventBody, HandlerContext) async throws -> Void

  /// How long a handler may go on after its cancellation before it is reported.
  static let grace = Duration.seconds(10)

  /// A task that others cancel: any task may do that, and does it under the lock, which the task itself takes before it ends.
  private struct RunningTask: @unchecked Sendable {
    let task: UnsafeCurrentTask
  }

  private struct State {
    /// The handler's, while it runs.
    var task: RunningTask?
    var isFinished = false
    var isTimedOut = false
    var isCancelled = false
    /// When it is reported as stuck.
    var report: TimerQueue.ID?
  }

  private struct Time {
    /// What is left of the timeout at `since`, or while it is paused.
    var left: Duration
    /// Nil while the timeout is paused.
    var since: Duration?
    var timer: TimerQueue.ID?
    /// When the handler was called.
    var start: Duration?
    /// Pauses nest. It begins paused.
    var pauses = 1
  }

  private let context: HandlerContext
  private let limit: Duration
  private let clock: WorkerClock
  private let deadlines: TimerQueue
  private let state = Mutex(State())
  /// Apart from the state, under whose lock the handler is cancelled: what that calls may ask for the time.
  private let time: Mutex<Time>

  /// - Parameter limit: How long the handler may take.
  init(context: HandlerContext, limit: Duration, clock: WorkerClock, deadlines: TimerQueue) {
    self.context = context
    self.limit = limit
    self.clock = clock
    self.deadlines = deadlines
    time = Mutex(Time(left: limit))
  }

  /// Calls the handler once.
  ///
  /// - Throws: what the handler throws; a timeout where it was cancelled for that and threw nothing that says why.
  func run(on body: EventBody, _ handler: @escaping Handler) async throws {
    context.setTimeout(self)
    resume()
    let failure = await withTaskCancellationHandler { () -> (any Error)? in
      do {
        // Awaited here, so that it cannot be forgotten.
        try await begin(handler, body).value
        return nil
      } catch {
        return error
      }
    } onCancel: {
      cancel()
    }
    pause()
    // It holds this call, which holds the context.
    context.setTimeout(nil)
    let (isTimedOut, report) = state.withLock { state in
      state.isFinished = true
      return (state.isTimedOut, state.report)
    }
    if let report { deadlines.cancel(report) }
    guard let failure else { return }
    guard isTimedOut, !(failure is any ClassifiedError) else { throw failure }
    throw EventError(
      .timeout, "the handler took longer than \(limit.inSeconds)s; make it faster, or raise the route's `timeout`")
  }

  /// Begins the handler's task: in the caller's place, where the system can do that. A handler that does not wait then costs no
  /// change of threads.
  private func begin(_ handler: @escaping Handler, _ body: EventBody) -> Task<Void, any Error> {
    if #available(macOS 26, *) {
      Task.immediate { try await self.call(handler, body) }
    } else {
      Task { try await self.call(handler, body) }
    }
  }

  /// Keeps the task while it runs: its creator has it only when the handler waits for the first time, or not at all, and a handler that
  /// never waits is cancelled, too.
  private func call(_ handler: Handler, _ body: EventBody) async throws {
    try await withUnsafeCurrentTask { task in
      let task = task.map(RunningTask.init)
      state.withLock { state in
        state.task = task
        if state.isCancelled { task?.task.cancel() }
      }
      defer { state.withLock { $0.task = nil } }
      try await handler(body, context)
    }
  }

  private func timeOut() {
    state.withLock { $0.isTimedOut = true }
    context.logger.warning(
      "the handler exceeded its route's timeout and is cancelled", metadata: ["timeout": "\(limit)"])
    cancel()
  }

  /// Cancels the handler, and reports it unless it ends.
  private func cancel() {
    let isFirst = state.withLock { state in
      state.task?.task.cancel()
      defer { state.isCancelled = true }
      return !state.isCancelled
    }
    guard isFirst else { return }
    let report = deadlines.set(after: Self.grace) { self.reportStuck() }
    let isFinished = state.withLock { state in
      state.report = report
      return state.isFinished
    }
    if isFinished { deadlines.cancel(report) }
  }

  private func reportStuck() {
    guard !state.withLock({ $0.isFinished }), let start = time.withLock({ $0.start }) else { return }
    Counter(
      label: MetricDescription.stuckHandlers.label,
      dimensions: [(MetricLabel.destination, context.queue), (MetricLabel.route, context.eventType)]
    ).increment()
    context.logger.error(
      "the handler ignores its cancellation and keeps its slot; make it check for cancellation",
      metadata: ["age": "\((clock.now - start).inSeconds)s"])
  }

  // MARK: PausableTimeout

  var isTimedOut: Bool { state.withLock { $0.isTimedOut } }

  var timeLeft: Duration {
    let now = clock.now
    return time.withLock { time in max(.zero, time.left - (time.since.map { now - $0 } ?? .zero)) }
  }

  func pause() {
    let now = clock.now
    time.withLock { time in
      time.pauses += 1
      guard let since = time.since.take() else { return }
      time.left -= now - since
      if let timer = time.timer.take() { deadlines.cancel(timer) }
    }
  }

  func resume() {
    let now = clock.now
    time.withLock { time in
      time.pauses -= 1
      guard time.pauses == 0 else { return }
      time.since = now
      time.start = time.start ?? now
      time.timer = deadlines.set(at: now + time.left) { self.timeOut() }
    }
  }
}
