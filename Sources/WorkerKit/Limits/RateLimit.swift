import Metrics
import WorkerLocks

/// Lets handlers start no faster than a rate, and no more of them at once than a number: an entry of `limits`.
///
/// One for the process: all queues and routes that name it share it. Each value of its key has a limit of its own.
final class RateLimit: Sendable {
  private struct State: Sendable {
    var limit: LimitState
    var lastID = 0
    /// Those in a queue that wait for others.
    var waiters: [LimitState.ID: CheckedContinuation<Void, any Error>] = [:]
  }

  let name: String
  /// The field of the event whose values have limits of their own; empty where all share one.
  let keyPath: [String]
  private let state: Mutex<State>
  private let waitingGauge = Instruments<Gauge>(labels: [MetricLabel.limit]) {
    Gauge(label: MetricDescription.limitWaiting.label, dimensions: $0)
  }

  /// - Parameters:
  ///   - rate: Of starts.
  ///   - burst: How many may start at once after a pause.
  ///   - concurrency: How many may run at once.
  ///   - key: A field of the event, `guildId` or `guild.id`.
  init(name: String, rate: Rate, burst: Int = 1, concurrency: Int = .max, key: String = "") {
    self.name = name
    keyPath = key.split(separator: ".").map(String.init)
    state = Mutex(State(limit: LimitState(interval: rate.interval, burst: burst, concurrency: concurrency)))
  }

  /// Whether it tells events apart.
  var hasKey: Bool { !keyPath.isEmpty }

  /// How many wait for it.
  var waiting: Int { state.withLock { $0.limit.waiting } }

  /// Shows in the metrics how many wait.
  func record() {
    waitingGauge[name].record(waiting)
  }

  /// The way of one event through the limit.
  func passage(of body: EventBody, at now: Duration) -> Passage {
    let key = hasKey ? body.value(at: keyPath) : nil
    return state.withLock { state in
      state.lastID += 1
      return Passage(limit: self, key: state.limit.bucket(for: key, at: now), id: state.lastID)
    }
  }

  /// How an event comes to its start. After a start, ``end(after:)`` must follow.
  ///
  /// A reference, because every message in flight has room for one, and few have one.
  final class Passage: Sendable {
    private let limit: RateLimit
    private let key: LimitState.Key
    private let id: LimitState.ID

    fileprivate init(limit: RateLimit, key: LimitState.Key, id: LimitState.ID) {
      self.limit = limit
      self.key = key
      self.id = id
    }

    /// Starts where nothing has to be waited for.
    ///
    /// - Returns: whether it has started.
    func startAtOnce(at now: Duration) -> Bool {
      limit.state.withLock { $0.limit.startAtOnce(key, at: now) }
    }

    /// See ``LimitState/postponement(_:room:at:)``.
    func postponement(room: Int, at now: Duration) -> Duration? {
      limit.state.withLock { $0.limit.postponement(key, room: room, at: now) }
    }

    /// Waits until it may start. ``start(at:)`` or ``leave()`` must follow; before it, nobody else of its key starts.
    ///
    /// - Throws: `CancellationError`; then it waits no more.
    func untilTurn(_ clock: WorkerClock) async throws {
      limit.state.withLock { $0.limit.enter(id, key) }
      limit.record()
      do {
        while true {
          switch limit.state.withLock({ $0.limit.step(id, key, at: clock.now) }) {
          case .turn: return try Task.checkCancellation()
          case .token(let time): try await clock.sleep(until: time)
          case .others: try await untilOthersMove(clock)
          }
        }
      } catch {
        leave()
        throw error
      }
    }

    private func untilOthersMove(_ clock: WorkerClock) async throws {
      try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
          let outcome = limit.state.withLock { state -> Result<Void, any Error>? in
            // Seen here, or else by the handler below, which comes for this lock after us.
            if Task.isCancelled { return .failure(CancellationError()) }
            guard case .others = state.limit.step(id, key, at: clock.now) else { return .success(()) }
            state.waiters[id] = continuation
            return nil
          }
          if let outcome { continuation.resume(with: outcome) }
        }
      } onCancel: {
        limit.state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: CancellationError())
      }
    }

    /// Takes its token.
    func start(at now: Duration) {
      limit.wake { $0.start(id, key, at: now) }
      limit.record()
    }

    /// Lets the next one have its turn.
    func leave() {
      limit.wake { $0.leave(id, key) }
      limit.record()
    }

    /// Notes that its handler has returned.
    func end(after duration: Duration) {
      limit.wake { $0.end(key, after: duration) }
    }
  }

  /// Makes a change, and wakes the one whose turn may have come.
  private func wake(_ change: @Sendable (inout LimitState) -> LimitState.ID?) {
    let waiter = state.withLock { state in
      change(&state.limit).flatMap { state.waiters.removeValue(forKey: $0) }
    }
    waiter?.resume()
  }
}
