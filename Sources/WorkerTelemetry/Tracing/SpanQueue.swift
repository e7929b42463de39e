import DequeModule
import Metrics
import WorkerKit

/// The spans that have ended and wait to be exported: so many at most, and what comes beyond is dropped and counted.
package final class SpanQueue: Sendable {
  private struct State {
    var spans: Deque<FinishedSpan> = []
    /// Since they were last asked for.
    var dropped = 0
    var isFlushRequested = false
    /// When a flush must be over; nil while spans are taken.
    var closingDeadline: Duration?
  }

  private let capacity: Int
  private let batchSize: Int
  private let state = Locked(State())
  /// Carries no value: its conditions look at the state.
  private let changes = Watched(())
  private let droppedSpans = DroppedTelemetry.counter("queue_full")

  package init(capacity: Int, batchSize: Int) {
    self.capacity = capacity
    self.batchSize = batchSize
  }

  /// Takes a span that has ended, or drops it; waits for nothing.
  func add(_ span: FinishedSpan) {
    let (isFull, isDropped) = state.withLock { state -> (Bool, Bool) in
      guard state.closingDeadline == nil, state.spans.count < capacity else {
        state.dropped += 1
        return (false, true)
      }
      state.spans.append(span)
      return (state.spans.count == batchSize, false)
    }
    if isDropped { droppedSpans.increment() }
    if isFull { changes.update { _ in } }
  }

  /// The oldest, a batch at most; nil where there are none.
  func take() -> [FinishedSpan]? {
    state.withLock { state in
      state.isFlushRequested = false
      guard !state.spans.isEmpty else { return nil }
      let batch = Array(state.spans.prefix(batchSize))
      state.spans.removeFirst(batch.count)
      return batch
    }
  }

  /// How many were dropped since this was last called.
  func takeDropped() -> Int {
    state.withLock { state in
      defer { state.dropped = 0 }
      return state.dropped
    }
  }

  func requestFlush() {
    state.withLock { $0.isFlushRequested = true }
    changes.update { _ in }
  }

  /// Takes no more. What is there has until a deadline; only the first call sets it.
  func close(deadline: Duration) {
    state.withLock { $0.closingDeadline = $0.closingDeadline ?? deadline }
    changes.update { _ in }
  }

  var closingDeadline: Duration? { state.withLock { $0.closingDeadline } }

  /// Waits until there is a batch, or a reason not to wait for one.
  func untilDue() async throws {
    try await changes.wait { [self] _ in
      state.withLock { $0.spans.count >= batchSize || $0.isFlushRequested || $0.closingDeadline != nil }
    }
  }

  func untilClosed() async throws {
    try await changes.wait { [self] _ in closingDeadline != nil }
  }
}

/// What was made and never reached a collector.
enum DroppedTelemetry {
  static func counter(_ reason: String) -> Counter {
    Counter(label: MetricDescription.droppedTelemetry.label, dimensions: [("signal", "traces"), ("reason", reason)])
  }
}
