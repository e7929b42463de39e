/// Where a consumer's loop is, and what it has learned of its queue.
final class ConsumerProgress: Sendable {
  enum Redrive: Sendable {
    /// The queue's attributes could not be read.
    case unknown
    case known(QueueAttributes.RedrivePolicy?)
  }

  private struct State {
    var activity = ConsumerStatus.Activity.starting
    var since: Duration
    var hasReceived = false
    var redrive = Redrive.unknown
    var canDeadLetter = true
  }

  private let clock: WorkerClock
  private let state: Locked<State>

  init(clock: WorkerClock) {
    self.clock = clock
    state = Locked(State(since: clock.now))
  }

  var redrive: Redrive {
    get { state.withLock { $0.redrive } }
    set { state.withLock { $0.redrive = newValue } }
  }

  /// Whether the last message that should have been dead-lettered was.
  var canDeadLetter: Bool {
    get { state.withLock { $0.canDeadLetter } }
    set { state.withLock { $0.canDeadLetter = newValue } }
  }

  /// Notes what the loop does from now on.
  func enter(_ activity: ConsumerStatus.Activity) {
    let now = clock.now
    state.withLock { state in
      state.activity = activity
      state.since = now
    }
  }

  /// Notes that a receive was answered.
  func noteReceive() {
    state.withLock { $0.hasReceived = true }
  }

  func snapshot() -> (activity: ConsumerStatus.Activity, duration: Duration, hasReceived: Bool) {
    let now = clock.now
    return state.withLock { ($0.activity, now - $0.since, $0.hasReceived) }
  }
}

extension QueueConsumer {
  /// What the consumer is doing now.
  public var status: ConsumerStatus {
    let (activity, duration, hasReceived) = progress.snapshot()
    let counts = inFlight.counts
    return ConsumerStatus(
      queue: queue.name, activity: activity, duration: duration, limit: limit(of: activity), inFlight: counts.all,
      parked: counts.parked, slots: inFlight.capacity, closedPlugins: closedPlugins, hasReceived: hasReceived)
  }

  private func limit(of activity: ConsumerStatus.Activity) -> Duration? {
    switch activity {
    // A call and its retries end by themselves well within a minute.
    case .starting, .failing: .seconds(120)
    case .receiving: configuration.waitTime + .seconds(120)
    // As long as handlers run, plugins are down, or a stop takes.
    case .waitingForSlots, .waitingForPlugins, .draining, .stopped: nil
    }
  }

  private var closedPlugins: [String: String] {
    table.allGates.reduce(into: [:]) { plugins, gate in
      if let problem = gate.problem { plugins[gate.pluginName] = problem }
    }
  }
}
