import Metrics
import WorkerKit
import WorkerLocks

/// What a pool of connections does, by OpenTelemetry's database conventions.
final class PoolMetrics: Sendable {
  private struct State {
    var used = 0
    var idle = 0
    var pending = 0
  }

  private let state = Mutex(State())
  private let used: Meter
  private let idle: Meter
  private let pending: Meter
  private let timeouts: Counter
  private let createTime: Timer
  private let waitTime: Timer
  private let useTime: Timer

  /// - Parameters:
  ///   - pool: The pool's name, which is the same in all workers.
  ///   - max: The most connections at a time.
  init(pool: String, max: Int) {
    let dimensions = [("db.client.connection.pool.name", pool)]
    func state(_ name: String) -> [(String, String)] { dimensions + [("db.client.connection.state", name)] }
    used = Meter(label: "db.client.connection.count", dimensions: state("used"))
    idle = Meter(label: "db.client.connection.count", dimensions: state("idle"))
    pending = Meter(label: "db.client.connection.pending_requests", dimensions: dimensions)
    timeouts = Counter(label: "db.client.connection.timeouts", dimensions: dimensions)
    createTime = Timer(label: "db.client.connection.create_time", dimensions: dimensions)
    waitTime = Timer(label: "db.client.connection.wait_time", dimensions: dimensions)
    useTime = Timer(label: "db.client.connection.use_time", dimensions: dimensions)
    Meter(label: "db.client.connection.max", dimensions: dimensions).set(max)
    update { _ in }
  }

  /// A call that waits for a connection: from ``beginWait()`` to one of the others.
  func beginWait() { update { $0.pending += 1 } }

  func endWait(since start: ContinuousClock.Instant) {
    update { $0.pending -= 1 }
    waitTime.record(duration: .now - start)
  }

  /// - Parameter isTimeout: Whether it ended because there was no connection in time.
  func giveUpWaiting(isTimeout: Bool) {
    update { $0.pending -= 1 }
    if isTimeout { timeouts.increment() }
  }

  func created(since start: ContinuousClock.Instant) { createTime.record(duration: .now - start) }

  func beginUse() { update { $0.used += 1 } }

  func endUse(since start: ContinuousClock.Instant) {
    update { $0.used -= 1 }
    useTime.record(duration: .now - start)
  }

  func setIdle(_ count: Int) { update { $0.idle = count } }

  private func update(_ change: (inout State) -> Void) {
    state.withLock { state in
      change(&state)
      used.set(state.used)
      idle.set(state.idle)
      pending.set(state.pending)
    }
  }
}
