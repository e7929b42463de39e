import DequeModule
import Metrics
import WorkerKit
import WorkerLocks

/// A bounded queue of ended spans for export. Spans above its capacity are dropped and counted.
package final class SpanQueue: Sendable {
  private struct State {
    var spans: Deque<FinishedSpan> = []
    /// The number of dropped spans since the last call of `takeDropped()`.
    var dropped = 0
    var isFlushRequested = false
    /// When the final flush must end; nil while the queue accepts spans.
    var closingDeadline: Duration?
  }

  private let capacity: Int
  private let batchSize: Int
  private let state = Mutex(State())
  /// A signal without a value. Its conditions read the state.
  private let changes = AsyncValue(())
  private let droppedSpans = DroppedTelemetry.counter("queue_full")

  package init(capacity: Int, batchSize: Int) {
    self.capacity = capacity
    self.batchSize = batchSize
  }

  /// Adds an ended span, or drops it if the queue is full. It never waits.
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

  /// Takes the oldest spans, at most one batch; nil if there are none.
  func take() -> [FinishedSpan]? {
    state.withLock { state in
      state.isFlushRequested = false
      guard !state.spans.isEmpty else { return nil }
      let batch = Array(state.spans.prefix(batchSize))
      state.spans.removeFirst(batch.count)
      return batch
    }
  }

  /// Returns the number of dropped spans since the last call.
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

  /// Closes the queue for new spans. The remaining ones may be exported until a deadline, which only the first call
  /// sets.
  func close(deadline: Duration) {
    state.withLock { $0.closingDeadline = $0.closingDeadline ?? deadline }
    changes.update { _ in }
  }

  var closingDeadline: Duration? { state.withLock { $0.closingDeadline } }

  /// Waits until a batch is full, or until an export is due for another reason.
  func untilDue() async throws {
    try await changes.wait { [self] _ in
      state.withLock { $0.spans.count >= batchSize || $0.isFlushRequested || $0.closingDeadline != nil }
    }
  }

  func untilClosed() async throws {
    try await changes.wait { [self] _ in closingDeadline != nil }
  }
}

/// The metric of telemetry that did not reach a collector.
enum DroppedTelemetry {
  static func counter(_ reason: String) -> Counter {
    Counter(label: MetricDescription.droppedTelemetry.label, dimensions: [("signal", "traces"), ("reason", reason)])
  }
}
