import Logging
import Metrics

/// Whether a plugin's events are taken in. Closed while the plugin says that it is down; one gate for each plugin,
/// shared by all queues of the process.
///
/// A failure alone closes nothing: the plugin is asked. So a poison message among good ones, which fails as if the
/// database were gone, is an ordinary failure as long as the database is there.
final class IntakeGate: Sendable {
  private struct State {
    /// What the plugin said is wrong; nil while the gate is open.
    var problem: String?
    /// Somebody waits to ask the plugin again, or asks.
    var isProbing = false
    /// How often it was down when asked.
    var failures = 0

    var isOpen: Bool { problem == nil }
  }

  private static let patience = Duration.seconds(10)
  private static let backoff = Backoff(base: .seconds(1), factor: 2, max: .seconds(30), jitter: .none)

  let pluginName: String
  private let check: @Sendable () async throws -> Void
  private let state = Watched(State())

  init(pluginName: String, check: @escaping @Sendable () async throws -> Void) {
    self.pluginName = pluginName
    self.check = check
  }

  var isOpen: Bool { state.value.isOpen }

  /// Why it is closed; nil while it is open.
  var problem: String? { state.value.problem }

  /// Asks the plugin after a failure of its handler's.
  ///
  /// - Returns: whether the gate is closed now.
  func closes(after failure: Failure, clock: WorkerClock, logger: Logger) async -> Bool {
    // Who was cancelled while it asked has no answer.
    guard isOpen, let problem = await ask(clock), !Task.isCancelled else { return !isOpen }
    let isNew = state.update { state in
      defer { state.problem = problem }
      return state.isOpen
    }
    if isNew {
      record(isOpen: false)
      logger.error(
        "the plugin is down: its events are not taken in until it is well again",
        metadata: ["plugin": "\(pluginName)", "error": "\(failure.message)", "check": "\(problem)"])
    }
    return true
  }

  /// Waits until the gate is open. One of those who wait asks the plugin now and then.
  ///
  /// - Parameter whenClosed: Called when the wait begins or goes on; the gate may have been open for a moment before.
  /// - Throws: `CancellationError`.
  func untilOpen(clock: WorkerClock, logger: Logger, whenClosed: () -> Void = {}) async throws {
    while true {
      try await state.wait { $0.isOpen || !$0.isProbing }
      let attempt = state.update { state -> Int? in
        guard !state.isOpen, !state.isProbing else { return nil }
        state.isProbing = true
        return state.failures + 1
      }
      if isOpen { return }
      whenClosed()
      guard let attempt else { continue }
      defer { state.update { $0.isProbing = false } }
      try await clock.sleep(for: Self.backoff.delay(afterAttempt: attempt, random: 0))
      let problem = await ask(clock)
      try Task.checkCancellation()
      if let problem {
        state.update {
          $0.problem = problem
          $0.failures += 1
        }
        logger.warning("the plugin is still down", metadata: ["plugin": "\(pluginName)", "check": "\(problem)"])
      } else {
        state.update {
          $0.problem = nil
          $0.failures = 0
        }
        record(isOpen: true)
        logger.notice(
          "the plugin is well again: its events are taken in", metadata: ["plugin": "\(pluginName)"])
      }
    }
  }

  /// What the plugin says is wrong; nil where it is well.
  private func ask(_ clock: WorkerClock) async -> String? {
    await withTaskGroup(of: String?.self) { [check] group in
      group.addTask {
        do {
          try await check()
          return nil
        } catch {
          return String(describing: error)
        }
      }
      group.addTask {
        try? await clock.sleep(for: Self.patience)
        return "its check took longer than \(Self.patience.inSeconds)s"
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }

  /// Says in the metrics whether it is open, which is otherwise said when that changes.
  func record() {
    record(isOpen: isOpen)
  }

  private func record(isOpen: Bool) {
    Gauge(label: MetricDescription.openIntake.label, dimensions: [(MetricLabel.plugin, pluginName)])
      .record(isOpen ? 1 : 0)
  }
}
