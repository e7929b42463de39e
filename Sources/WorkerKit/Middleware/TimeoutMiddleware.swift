/// Cancels a handler that takes longer than its route allows.
///
/// What it has done by then stands: a handler that finishes in spite of the cancellation has handled its event.
struct TimeoutMiddleware: Middleware {
  let limit: Duration
  let clock: WorkerClock

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    let timedOut: Bool = try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await next(context)
        return false
      }
      group.addTask { [clock, limit] in
        try await clock.sleep(for: limit)
        return true
      }
      guard try await group.next() == true else {
        group.cancelAll()
        return false
      }
      group.cancelAll()
      do {
        _ = try await group.next()
        return false
      } catch {
        return true
      }
    }
    if timedOut {
      throw EventError(
        .timeout, "the handler took longer than \(limit.inSeconds)s; make it faster, or raise the route's `timeout`")
    }
  }
}
