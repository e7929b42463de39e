import Logging
import WorkerLocks

/// How far a consumer is, and what it has learned of its queue. What it does at the moment is derived from this and from
/// what is in flight: see ``QueueConsumer/status``.
final class ConsumerProgress: Sendable {
  enum Phase: Sendable {
    case starting, running, draining, stopped
  }

  enum Redrive: Sendable {
    /// The queue's attributes could not be read.
    case unknown
    case known(QueueAttributes.RedrivePolicy?)
  }

  struct Snapshot: Sendable {
    var phase: Phase
    var since: Duration
    /// When the oldest receive under way began.
    var receivesSince: Duration?
    /// When a receive last ended.
    var lastReceive: Duration?
    var hasReceived: Bool
    /// Why receiving fails; nil where the last one that ended succeeded.
    var failure: String?
    var failingSince: Duration?
  }

  private struct State {
    var phase = Phase.starting
    var since: Duration
    /// By number, when each that is under way began.
    var receives: [Int: Duration] = [:]
    var lastNumber = 0
    var lastReceive: Duration?
    var hasReceived = false
    var failures = ReceiveFailures()
    var redrive = Redrive.unknown
    var nextRedriveRead = Duration.zero
    var canDeadLetter = true
  }

  private static let redriveInterval = Duration.seconds(60)

  private let clock: WorkerClock
  private let state: Mutex<State>
  /// Whether the redrive policy is to be read again.
  private let needsRedrive = AsyncValue(false)

  init(clock: WorkerClock) {
    self.clock = clock
    state = Mutex(State(since: clock.now))
  }

  var redrive: Redrive {
    get { state.withLock { $0.redrive } }
    set {
      let next = clock.now + Self.redriveInterval
      state.withLock { state in
        state.redrive = newValue
        state.nextRedriveRead = next
      }
    }
  }

  /// How often the queue lets a message be received, where it is known to have a redrive policy.
  var knownRedriveLimit: Int? {
    if case .known(let policy) = redrive { policy?.maxReceiveCount } else { nil }
  }

  /// Records that an event has failed, so that the redrive policy counts: it is read again, at most once a minute.
  func recordFailedEvent() {
    let now = clock.now
    let isDue = state.withLock { state in
      guard now >= state.nextRedriveRead else { return false }
      state.nextRedriveRead = now + Self.redriveInterval
      return true
    }
    if isDue { needsRedrive.update { $0 = true } }
  }

  /// Waits until the redrive policy is to be read again.
  ///
  /// - Throws: `CancellationError`.
  func untilRedriveIsNeeded() async throws {
    try await needsRedrive.wait { $0 }
    needsRedrive.update { $0 = false }
  }

  /// Whether the last message that should have been dead-lettered was.
  var canDeadLetter: Bool {
    get { state.withLock { $0.canDeadLetter } }
    set { state.withLock { $0.canDeadLetter = newValue } }
  }

  var phase: Phase {
    get { state.withLock { $0.phase } }
    set {
      let now = clock.now
      state.withLock { state in
        guard state.phase != newValue else { return }
        state.phase = newValue
        state.since = now
      }
    }
  }

  /// - Returns: the receive's number.
  func beginReceive() -> Int {
    let now = clock.now
    return state.withLock { state in
      state.lastNumber += 1
      state.receives[state.lastNumber] = now
      return state.lastNumber
    }
  }

  func endReceive(_ number: Int) {
    let now = clock.now
    state.withLock { state in
      state.receives[number] = nil
      state.lastReceive = now
    }
  }

  /// Notes that a receive was answered.
  func recordReceive(_ logger: Logger) {
    state.withLock { state in
      state.hasReceived = true
      state.failures.end(logger)
    }
  }

  /// Notes that a receive has failed.
  ///
  /// - Returns: how long to wait before the next try, and for how long there have been failures alone.
  func recordFailure(_ error: any Error, _ logger: Logger) -> (delay: Duration, failing: Duration) {
    let now = clock.now
    return state.withLock { state in
      let delay = state.failures.add(error, at: now, logger)
      return (delay, state.failures.duration(until: now))
    }
  }

  func snapshot() -> Snapshot {
    state.withLock { state in
      Snapshot(
        phase: state.phase, since: state.since, receivesSince: state.receives.values.min(),
        lastReceive: state.lastReceive, hasReceived: state.hasReceived, failure: state.failures.description,
        failingSince: state.failures.start)
    }
  }
}
