import Logging
import Metrics

/// Keeps a plugin's events waiting during an outage of its dependency.
///
/// There is one circuit breaker for each plugin, or for each dependency that the plugin's handlers name. All queues of
/// the process share it.
///
/// | state | events | transition |
/// |---|---|---|
/// | closed | are handled | in doubt after a failure that an outage can cause |
/// | closed, in doubt | are handled; failed events wait | closed after an event that started after the failure is handled; open if the health check fails, or if no event is handled for ten seconds |
/// | open | wait | closed if the health check passes; half-open when a probe is due |
/// | half-open | wait, except the probe | closed or open by the probe's outcome |
/// | open permanently | wait | only a restart of the worker; the cause is an error with a ``DependencyRefusal`` |
///
/// A waiting event keeps its lease and holds no slot, so an outage does not use up retries. Nor does an event that started
/// before the end of an outage and fails after it: it is handled again. The plugin's health check comes first, but it does
/// not decide alone: it may check a part that is healthy.
final class CircuitBreaker: Sendable {
  /// How an event may be handled.
  enum Permit: Sendable, Equatable {
    /// - Parameters:
    ///   - streak: The number of the streak of failures in progress when the event started; 0 for none.
    ///   - outages: How many outages had begun by then.
    case ordinary(streak: Int, outages: Int = 0)
    case probe
  }

  /// The consequence of an event's outcome.
  enum Verdict: Sendable {
    /// Apply the outcome.
    case settle
    /// Handle the event again once it is permitted.
    case again
    /// Wait for the verdict with ``CircuitBreaker/untilDecided()``.
    case undecided
  }

  /// The outcome of an event, as far as it concerns the circuit breaker.
  enum Outcome: Sendable {
    case handled
    /// The dependency may be the cause, and the event is to be retried.
    case failed(HandlingFailure, messageID: String)
    /// The error has a ``DependencyRefusal``.
    case refused(HandlingFailure)
    /// The event itself is the cause.
    case eventFailed
    /// Its handling was cancelled, or has not begun.
    case other
  }

  /// How long the breaker stays in doubt.
  static let patience = Duration.seconds(10)
  /// The minimum interval between health checks while the breaker is in doubt.
  static let checkInterval = Duration.seconds(1)
  /// How many consecutive errors with ``DependencyRefusal/unauthorized`` open it permanently.
  static let refusalLimit = 5
  static let backoff = Backoff(base: .seconds(1), factor: 2, max: .seconds(30), jitter: .none)

  /// The plugin's name, followed by the dependency's name if there is one.
  let pluginName: String
  private let check: HealthCheck?
  let state: AsyncValue<BreakerState>

  /// Creates a closed circuit breaker.
  ///
  /// - Parameter check: Throws the problem if the dependency is down; nil if there is no health check.
  init(pluginName: String, check: (@Sendable () async throws -> Void)? = nil) {
    self.pluginName = pluginName
    self.check = check.map(HealthCheck.init)
    state = AsyncValue(BreakerState(hasCheck: check != nil))
  }

  /// Creates the circuit breaker of a plugin or of a handler's dependency.
  ///
  /// - Parameter dependency: The handler's own dependency. If it is not nil, its health check replaces the plugin's.
  convenience init(of plugin: any WorkerPlugin, named name: String, dependency: HandlerDependency?) {
    if let dependency {
      self.init(pluginName: "\(name): \(dependency.name)", check: dependency.checkHealth)
    } else if let health = plugin as? any PluginHealth {
      self.init(pluginName: name) { try await health.checkHealth() }
    } else {
      self.init(pluginName: name, check: nil)
    }
  }

  /// Why it is open; nil while it is closed.
  var problem: String? { state.read { $0.problem } }

  /// Whether the worker should receive events: to handle them, or as probes.
  var isTakingIn: Bool { state.read { $0.problem == nil || $0.wantsProbe } }

  // MARK: Per event

  /// Permits an event to be handled.
  ///
  /// - Returns: nil if the event has to wait, with ``untilPermitted(hasFailed:)``.
  func permit() -> Permit? {
    state.read { $0.problem == nil ? $0.permit : nil }
  }

  /// Waits until the event may be handled.
  ///
  /// - Parameter hasFailed: Whether the event failed while the breaker was open, or opened it. Other events are tried
  ///   first.
  /// - Throws: `CancellationError`.
  func untilPermitted(hasFailed: Bool) async throws -> Permit {
    try await waiting { state, id, continuation in
      state.waiting[id] = BreakerState.Waiting(hasFailed: hasFailed, continuation: continuation)
      if !hasFailed { state.wantsProbe = false }
    }
  }

  /// Records the outcome of an event.
  ///
  /// - Parameter now: The time, which is asked for only if it matters.
  func record(_ outcome: Outcome, of permit: Permit, at now: @autoclosure () -> Duration) -> Verdict {
    // The fast path of nearly all events.
    if case .handled = outcome, state.read({ $0.isUntroubled }) { return .settle }
    defer { resume() }
    let now = now()
    return state.update { $0.record(outcome, of: permit, at: now) }
  }

  /// Waits for the verdict on a failed event.
  ///
  /// - Throws: `CancellationError`.
  func untilDecided() async throws -> Verdict {
    try await waiting { state, id, continuation in
      state.undecided[id] = continuation
    }
  }

  private func waiting<Answer: Sendable>(
    _ enter: @escaping @Sendable (inout BreakerState, Int, CheckedContinuation<Answer, any Error>) -> Void
  ) async throws -> Answer {
    let id = state.update { state in
      state.lastID += 1
      return state.lastID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        state.update { state in
          // A cancellation is detected here or by the handler below, which takes this lock afterwards.
          guard !Task.isCancelled else {
            return state.resumptions.append { continuation.resume(throwing: CancellationError()) }
          }
          enter(&state, id, continuation)
          state.settleWaiting()
        }
        resume()
      }
    } onCancel: {
      state.update { $0.cancel(id) }
      resume()
    }
  }

  /// Resumes waiting events with their decisions, outside the lock.
  private func resume() {
    guard state.read({ !$0.resumptions.isEmpty }) else { return }
    for resumption in state.update({ state in
      defer { state.resumptions = [] }
      return state.resumptions
    }) { resumption() }
  }

  // MARK: Background loop

  /// Runs health checks and starts probes when they are due. Every consumer runs this loop concurrently.
  ///
  /// - Parameter onChange: Called when ``isTakingIn`` may have changed.
  func watch(clock: WorkerClock, logger: Logger, onChange: @Sendable () -> Void) async {
    while !Task.isCancelled {
      let now = clock.now
      let (step, seen) = state.update { ($0.nextStep(at: now), $0.changes) }
      resume()
      report(logger)
      onChange()
      switch step {
      case .check:
        let problem = await check?.run(clock)
        let end = clock.now
        // If the task was cancelled during the check, the check has no result.
        let isCancelled = Task.isCancelled
        state.update { $0.endCheck(isCancelled ? nil : .some(problem), at: end) }
        resume()
        report(logger)
      case .wait(let end):
        try? await untilChange(from: seen, or: end, clock)
      }
    }
  }

  private func untilChange(from seen: Int, or end: Duration?, _ clock: WorkerClock) async throws {
    guard let end else { return try await state.wait { $0.changes != seen } }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.state.wait { $0.changes != seen } }
      group.addTask { try await clock.sleep(until: end) }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func report(_ logger: Logger) {
    let (news, isOpen) = state.update { state in
      defer { state.news = [] }
      return (state.news, state.problem != nil)
    }
    guard !news.isEmpty else { return }
    record(isOpen: isOpen)
    for event in news {
      switch event {
      case .opened(let problem, let failure):
        logger.error(
          "the plugin is down; its events are not received until it recovers",
          metadata: ["plugin": "\(pluginName)", "error": "\(failure)", "check": "\(problem)"])
      case .openedForGood(let problem):
        logger.error(
          "the plugin is down; its events are not received until the worker restarts",
          metadata: ["plugin": "\(pluginName)", "error": "\(problem)"])
      case .stillOpen(let problem):
        logger.warning("the plugin is still down", metadata: ["plugin": "\(pluginName)", "check": "\(problem)"])
      case .closed:
        logger.notice("the plugin has recovered; its events are received", metadata: ["plugin": "\(pluginName)"])
      }
    }
  }

  /// Records in the metrics whether the circuit breaker is open. Changes are recorded automatically.
  func record() {
    record(isOpen: problem != nil)
  }

  private func record(isOpen: Bool) {
    Gauge(label: MetricDescription.openCircuitBreaker.label, dimensions: [(MetricLabel.plugin, pluginName)])
      .record(isOpen ? 1 : 0)
  }
}

extension ErrorKind {
  /// Whether an outage of a dependency can cause this kind of error, and thus the failure of every event.
  package var canBeOutage: Bool { [.unavailable, .timeout, .network, .throttled].contains(self) }

  /// Whether a dependency that causes this kind of outage has answered.
  var isAnswer: Bool { [.unavailable, .throttled].contains(self) }
}
