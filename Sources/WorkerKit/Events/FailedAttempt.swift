import Foundation
import WorkerLocks

/// One attempt at an event that has failed.
package struct FailedAttempt: Codable, Sendable, Hashable {
  /// ISO 8601, in seconds.
  package var at: String
  package var kind: String
  /// In 200 characters.
  package var message: String

  init(_ failure: HandlingFailure, at date: Date) {
    at = date.formatted(.iso8601)
    kind = failure.kind.rawValue
    message = TerminalText.line(failure.message, limit: 200)
  }
}

/// The failed attempts at messages that come again: at each its last ``limit``, and of the messages those that failed last.
final class FailedAttempts: Sendable {
  static let limit = 5
  /// So many messages at least are remembered, and twice as many at most: about 5 MB.
  static let messageLimit = 2_000

  private struct State: Sendable {
    var recent: [String: [FailedAttempt]] = [:]
    /// Those that were recent when there were too many. One that fails again moves up.
    var older: [String: [FailedAttempt]] = [:]
  }

  private let state = Mutex(State())

  /// Adds an attempt.
  ///
  /// - Returns: all of the message's that are remembered, the oldest first.
  func add(_ attempt: FailedAttempt, of messageID: String) -> [FailedAttempt] {
    state.withLock { state in
      let earlier = state.recent[messageID] ?? state.older.removeValue(forKey: messageID) ?? []
      let attempts = Array((earlier + [attempt]).suffix(Self.limit))
      if state.recent[messageID] == nil, state.recent.count >= Self.messageLimit {
        state.older = state.recent
        state.recent = [:]
      }
      state.recent[messageID] = attempts
      return attempts
    }
  }

  /// Forgets a message that was handled.
  @inline(never)
  func forget(_ messageID: String) {
    state.withLock { state in
      if !state.recent.isEmpty { state.recent[messageID] = nil }
      if !state.older.isEmpty { state.older[messageID] = nil }
    }
  }
}
