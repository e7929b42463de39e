import Logging

/// Cancels a handler that takes longer than its route allows.
///
/// What it has done by then stands: a handler that finishes in spite of the cancellation has handled its event.
struct TimeoutMiddleware: Middleware {
  let limit: Duration
  let clock: WorkerClock

  private enum Event {
    case finished, timedOut, cancelled
  }

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    try await withThrowingTaskGroup(of: Event.self) { group in
      group.addTask {
        try await next(context)
        return .finished
      }
      group.addTask { [clock, limit] in
        do {
          try await clock.sleep(for: limit)
          return .timedOut
        } catch {
          return .cancelled
        }
      }
      var isTimedOut = false
      do {
        // The handler's own end decides, whatever else has happened by then.
        while let event = try await group.next(), event != .finished {
          guard event == .timedOut else { continue }
          isTimedOut = true
          context.logger.warning(
            "the handler takes longer than its route's timeout, and is cancelled", metadata: ["timeout": "\(limit)"])
          group.cancelAll()
        }
        group.cancelAll()
      } catch {
        guard isTimedOut else { throw error }
        throw EventError(
          .timeout, "the handler took longer than \(limit.inSeconds)s; make it faster, or raise the route's `timeout`")
      }
    }
  }
}
