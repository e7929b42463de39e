import WorkerKit
import WorkerLocks

/// Slows down guesses of passwords: after a few wrong ones, each further one waits twice as long, up to a minute. It counts by
/// address, and by user for guesses from many addresses.
///
/// An attempt counts as a failure from its start, so that guesses at the same time are slowed down as well. A user who has
/// logged in from an address is not locked out there by guesses from other addresses.
final class LoginThrottle: Sendable {
  private struct Failures {
    var count = 0
    var last: Duration
  }

  private struct State {
    var failures: [String: Failures] = [:]
    /// When users last logged in, by user and address.
    var successes: [String: Duration] = [:]
  }

  private static let freeByAddress = 5
  /// Higher, because guesses keep the user out as well.
  private static let freeByUser = 20
  private static let memory = Duration.seconds(15 * 60)
  private static let successMemory = Duration.seconds(24 * 3600)
  private static let capacity = 10_000

  private let clock: WorkerClock
  private let state = Mutex(State())

  init(clock: WorkerClock) {
    self.clock = clock
  }

  /// Begins an attempt, which counts as a failure until ``recordSuccess(user:address:)``.
  ///
  /// - Returns: How long to wait before the next attempt; nil if this one may be made.
  func begin(user: String, address: String) -> Duration? {
    let now = clock.now
    return state.withLock { state in
      let keys = Self.keys(user, address, isKnown: Self.isKnown(user, address, in: state, at: now))
      if let wait = Self.wait(keys, state.failures, at: now) { return wait }
      Self.makeRoom(in: &state.failures, at: now)
      for (key, _) in keys {
        var entry =
          state.failures[key].flatMap { now - $0.last < Self.memory ? $0 : nil } ?? Failures(last: now)
        entry.count += 1
        entry.last = now
        state.failures[key] = entry
      }
      return nil
    }
  }

  func recordSuccess(user: String, address: String) {
    let now = clock.now
    state.withLock { state in
      for (key, _) in Self.keys(user, address, isKnown: false) { state.failures[key] = nil }
      state.successes = state.successes.filter { now - $0.value < Self.successMemory }
      if state.successes.count >= Self.capacity { state.successes = [:] }
      state.successes[Self.pair(user, address)] = now
    }
  }

  private static func wait(
    _ keys: [(key: String, free: Int)], _ failures: [String: Failures], at now: Duration
  ) -> Duration? {
    keys.compactMap { key, free -> Duration? in
      guard let entry = failures[key], entry.count >= free, now - entry.last < memory else { return nil }
      let wait = Duration.seconds(min(60, 1 << min(entry.count - free, 6))) - (now - entry.last)
      return wait > .zero ? wait : nil
    }.max()
  }

  private static func makeRoom(in failures: inout [String: Failures], at now: Duration) {
    if failures.count >= capacity { failures = failures.filter { now - $0.value.last < memory } }
    // So many addresses at once are an attack, in which the users' own counts are what helps.
    if failures.count >= capacity { failures = failures.filter { $0.key.hasPrefix("user ") } }
    // So many names are invented.
    if failures.count >= capacity { failures = [:] }
  }

  private static func isKnown(_ user: String, _ address: String, in state: State, at now: Duration) -> Bool {
    state.successes[pair(user, address)].map { now - $0 < successMemory } ?? false
  }

  private static func keys(_ user: String, _ address: String, isKnown: Bool) -> [(key: String, free: Int)] {
    let own = [("address \(address)", freeByAddress)]
    return isKnown ? own : own + [("user \(shortened(user))", freeByUser)]
  }

  private static func pair(_ user: String, _ address: String) -> String { "\(address) \(shortened(user))" }

  /// In bytes: one character can be as long as a form.
  private static func shortened(_ user: String) -> String { String(decoding: user.utf8.prefix(200), as: UTF8.self) }
}
