import Foundation
package import Logging
import Metrics
import ServiceLifecycle
package import WorkerKit

/// Sends the spans of a ``SpanQueue`` to a collector in batches: when a batch is full, or after a delay.
///
/// In a shutdown it sends the remaining spans within the export timeout. In a `ServiceGroup`, list it before the
/// services that create spans, because services stop in reverse order. If the collector is unavailable, spans are lost,
/// but no error is thrown.
package struct SpanExporter: Service {
  private enum Outcome {
    case delivered, refused, unavailable
  }

  /// The minimum wait between requests, regardless of what a collector requests.
  private static let shortestWait = Duration.milliseconds(100)
  private static let backoff = Backoff(base: .seconds(1), factor: 2, max: .seconds(10), jitter: .full)

  private let configuration: TraceExport
  private let queue: SpanQueue
  private let collector: Collector
  private let clock: WorkerClock
  private let random: @Sendable () -> Double
  private let logger: Logger
  private let isFinished = AsyncValue(false)
  private let failedSpans = DroppedTelemetry.counter("failed")

  package init(
    _ configuration: TraceExport, queue: SpanQueue, collector: Collector, clock: WorkerClock = .continuous,
    random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }, logger: Logger
  ) {
    self.configuration = configuration
    self.queue = queue
    self.collector = collector
    self.clock = clock
    self.random = random
    self.logger = logger
  }

  package func run() async {
    await withGracefulShutdownHandler {
      await exportAll()
    } onGracefulShutdown: {
      stop()
    }
    isFinished.update { $0 = true }
  }

  /// Makes ``run()`` send the remaining spans and return.
  package func stop() {
    queue.close(deadline: clock.now + configuration.exportTimeout)
  }

  /// Stops ``run()``, and returns after it has sent the remaining spans or given up.
  package func flush() async {
    stop()
    try? await isFinished.wait { $0 }
  }

  private var isClosing: Bool { queue.closingDeadline != nil || Task.isCancelled }

  private func exportAll() async {
    var log = ExportLog(logger: logger)
    while true {
      let wasClosing = isClosing
      if !wasClosing { await either(for: configuration.scheduleDelay) { try await queue.untilDue() } }
      let batch = queue.take()
      log.add(dropped: queue.takeDropped(), at: clock.now)
      if let batch {
        let outcome = await export(batch, &log)
        // The remaining batches would wait for the same collector.
        if outcome == .unavailable && isClosing { break }
      } else if wasClosing {
        break
      }
    }
    var left = 0
    while let batch = queue.take() { left += batch.count }
    if left > 0 { failedSpans.increment(by: left) }
    log.close(dropped: queue.takeDropped(), lost: left)
  }

  /// Retries until the collector accepts or rejects the spans, or until the time limit.
  private func export(_ spans: [FinishedSpan], _ log: inout ExportLog) async -> Outcome {
    let request = collector.request(for: spans)
    let end = clock.now + configuration.exportTimeout
    var left: Duration { min(end, queue.closingDeadline ?? end) - clock.now }
    var attempt = 0
    while true {
      attempt += 1
      switch await collector.send(request, timeout: min(configuration.timeout, left)) {
      case .accepted(let rejected):
        if let rejected {
          DroppedTelemetry.counter("rejected").increment(by: rejected.count)
          log.fail("the collector took only a part: \(rejected.message)", lost: rejected.count)
        } else {
          log.succeed()
        }
        return .delivered
      case .refused(let cause):
        failedSpans.increment(by: spans.count)
        log.fail(cause, lost: spans.count)
        return .refused
      case .unavailable(let cause, let retryAfter, let hasAnswered):
        let wait = max(
          retryAfter ?? Self.backoff.delay(afterAttempt: attempt, random: random()), Self.shortestWait)
        // In a shutdown, a collector that cannot be reached is not retried.
        guard hasAnswered || !isClosing, wait < left, !Task.isCancelled else {
          failedSpans.increment(by: spans.count)
          log.fail(cause, lost: spans.count)
          return .unavailable
        }
        log.fail(cause, lost: 0)
        if hasAnswered {
          try? await clock.sleep(for: wait)
        } else {
          await either(for: wait) { try await queue.untilClosed() }
        }
      }
    }
  }

  /// Waits for a condition, at most for a time limit.
  private func either(for limit: Duration, _ wait: @escaping @Sendable () async throws -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await wait() }
      group.addTask { try? await clock.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
  }
}
