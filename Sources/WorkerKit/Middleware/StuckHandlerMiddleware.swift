import Logging
import Metrics

/// Reports a handler that goes on after it was told to stop: by its timeout, by a lost lease, or by a shutdown. It keeps
/// its slot, and nothing but the end of the process can take that from it.
struct StuckHandlerMiddleware: Middleware {
  /// How long a handler may take to heed its cancellation.
  static let grace = Duration.seconds(10)

  let clock: WorkerClock

  func handle(_ context: HandlerContext, next: @escaping Next) async throws {
    let start = clock.now
    let isFinished = Watched(false)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await watch(isFinished, since: start, context) }
      defer { isFinished.update { $0 = true } }
      try await next(context)
    }
  }

  private func watch(_ isFinished: Watched<Bool>, since start: Duration, _ context: HandlerContext) async {
    // Ends early when the handler is cancelled, for so are we.
    guard (try? await isFinished.wait { $0 }) == nil else { return }
    await shieldedFromCancellation { [clock] in
      await withTaskGroup(of: Void.self) { group in
        group.addTask { try? await isFinished.wait { $0 } }
        group.addTask { try? await clock.sleep(for: Self.grace) }
        await group.next()
        group.cancelAll()
      }
      guard !isFinished.value else { return }
      Counter(
        label: MetricDescription.stuckHandlers.label,
        dimensions: [(MetricLabel.destination, context.queue), (MetricLabel.route, context.eventType)]
      ).increment()
      context.logger.error(
        "the handler goes on though it was told to stop, and keeps its slot; make it heed its cancellation",
        metadata: ["age": "\((clock.now - start).inSeconds)s"])
    }
  }
}
