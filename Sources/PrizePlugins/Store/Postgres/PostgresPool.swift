import Foundation
import WorkerKit
import WorkerLocks

/// Connections to a server, and a thread for each that is in use: libpq waits for the server on those, never on Swift's pool.
///
/// A connection is made when it is needed, and kept. One that was cut is replaced by a new one, once in each call, so that a server
/// that was restarted or failed over between two calls costs none of them.
final class PostgresPool: Sendable {
  /// How long a call may take: its wait for a connection, its statements and their retries.
  static let limit = Duration.seconds(10)

  let address: PostgresAddress
  private let limit: Duration
  private let threads: BlockingThreads
  private let metrics: PoolMetrics?
  private struct State {
    var idle: [PostgresConnection] = []
    /// Those that nobody waits for any more. The next call does, so there are never more than calls at a time.
    var attempts: [ConnectionAttempt] = []
    var server: PostgresServer?
  }
  private let state = Mutex(State())

  /// - Parameters:
  ///   - size: The most connections at a time.
  ///   - name: Of the pool in metrics; nil for one that is measured by nobody.
  init(_ address: PostgresAddress, size: Int, limit: Duration = limit, name: String? = nil) {
    self.address = address
    self.limit = limit
    threads = BlockingThreads(limit: size)
    metrics = name.map { PoolMetrics(pool: $0, max: size) }
  }

  /// The server to which the last connection was made.
  var server: PostgresServer? { state.withLock { $0.server } }

  /// Runs `body` with a connection that is its own for that time, on a thread that may block.
  ///
  /// `body` runs again where other transactions were in its way, or where its connection was cut. Where that was during a commit, its
  /// work may be done already, so it must be work that can be repeated.
  ///
  /// - Throws: What `body` throws; ``PostgresFailure``; `CancellationError`.
  func run<Value: Sendable>(
    _ body: @escaping @Sendable (PostgresConnection, ContinuousClock.Instant) throws -> Value
  ) async throws -> Value {
    let call = PostgresCall(until: .now + limit, metrics: metrics)
    defer { call.end() }
    return try await withTaskCancellationHandler {
      try await threads.run { try self.attempts(call, body) }
    } onCancel: {
      call.cancel()
    }
  }

  /// Closes the connections that nobody uses.
  func close() {
    state.withLock { state in
      state.idle.removeAll()
      state.attempts.removeAll()
    }
  }

  private func attempts<Value>(
    _ call: PostgresCall, _ body: (PostgresConnection, ContinuousClock.Instant) throws -> Value
  ) throws -> Value {
    var hasReconnected = false
    var pause = Duration.milliseconds(5)
    while true {
      guard .now < call.deadline else { throw PostgresFailure.timeout }
      let connection = try take(call)
      let start = ContinuousClock.now
      metrics?.beginUse()
      defer { metrics?.endUse(since: start) }
      do {
        let value = try call.heeding(connection.alarm) { try body(connection, call.deadline) }
        put(connection)
        return value
      } catch let failure as PostgresFailure where failure.needsAnotherConnection && !hasReconnected {
        // The others are of the same server.
        close()
        hasReconnected = true
      } catch let failure as PostgresFailure where failure.isRetriedAtOnce && .now + pause < call.deadline {
        put(connection)
        // Those that met come back at different times.
        Thread.sleep(forTimeInterval: pause / .seconds(1) * .random(in: 0.5...1.5))
        pause = min(pause * 2, .milliseconds(200))
      } catch {
        if (error as? PostgresFailure)?.needsAnotherConnection != true { put(connection) }
        throw error
      }
    }
  }

  private func take(_ call: PostgresCall) throws -> PostgresConnection {
    while let connection = state.withLock({ $0.idle.popLast() }) {
      countIdle()
      guard connection.isAlive else { continue }
      call.hasConnection()
      return connection
    }
    let start = ContinuousClock.now
    // What failed while nobody waited says nothing of now.
    let begun = state.withLock { state in
      state.attempts.removeAll { $0.hasFailed }
      return state.attempts.popLast()
    }
    let attempt = try begun ?? ConnectionAttempt(address)
    do {
      guard let connection = try call.heeding(attempt.alarm, { try attempt.connection(until: call.deadline) }) else {
        state.withLock { $0.attempts.append(attempt) }
        throw PostgresFailure(state: "08001", message: "no server answered in time")
      }
      metrics?.created(since: start)
      state.withLock { $0.server = connection.server }
      call.hasConnection()
      return connection
    } catch is CancellationError {
      state.withLock { $0.attempts.append(attempt) }
      throw CancellationError()
    }
  }

  /// Keeps a connection for the next call, unless it is in the midst of something.
  private func put(_ connection: PostgresConnection) {
    if connection.isInTransaction {
      _ = try? connection.run([PostgresStatement("ROLLBACK")], until: .now + .seconds(1))
    }
    guard connection.isAlive else { return }
    connection.alarm.silence()
    state.withLock { $0.idle.append(connection) }
    countIdle()
  }

  private func countIdle() {
    metrics?.setIdle(state.withLock { $0.idle.count })
  }
}

/// A server by its host, or its socket's folder, and its port.
struct PostgresServer: Equatable, Sendable {
  var host: String
  var port: Int?
}

/// Connects the cancellation of a task with the connection that works for it, or is being made for it.
private final class PostgresCall: Sendable {
  private struct State {
    var isCancelled = false
    var isWaiting = true
    var alarm: Alarm?
  }

  let deadline: ContinuousClock.Instant
  private let start = ContinuousClock.now
  private let metrics: PoolMetrics?
  private let state = Mutex(State())

  init(until deadline: ContinuousClock.Instant, metrics: PoolMetrics?) {
    self.deadline = deadline
    self.metrics = metrics
    metrics?.beginWait()
  }

  func cancel() {
    state.withLock { state in
      state.isCancelled = true
      state.alarm?.ring()
    }
  }

  /// Its wait for its first connection is over.
  func hasConnection() {
    guard endsWait() else { return }
    metrics?.endWait(since: start)
  }

  /// Where it has had no connection, it waited in vain.
  func end() {
    guard endsWait() else { return }
    metrics?.giveUpWaiting(isTimeout: .now >= deadline)
  }

  private func endsWait() -> Bool {
    state.withLock { state in
      defer { state.isWaiting = false }
      return state.isWaiting
    }
  }

  /// Has the cancellation ring the alarm while `body` runs.
  func heeding<Value>(_ alarm: Alarm, _ body: () throws -> Value) throws -> Value {
    try state.withLock { state in
      guard !state.isCancelled else { throw CancellationError() }
      state.alarm = alarm
    }
    defer { state.withLock { $0.alarm = nil } }
    return try body()
  }
}
