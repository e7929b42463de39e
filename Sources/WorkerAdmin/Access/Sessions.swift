import Foundation
import WorkerKit
import WorkerLocks

/// Who has logged in, by the random token of their cookie. They are kept in memory: a restart ends them all.
final class Sessions: Sendable {
  private struct Session {
    var user: String
    var token: String
    var start: Duration
    var lastUse: Duration
  }

  static let idleLimit = Duration.seconds(30 * 60)
  private static let limit = Duration.seconds(12 * 3600)
  private static let capacity = 1000

  private let clock: WorkerClock
  private let sessions = Mutex<[String: Session]>([:])

  init(clock: WorkerClock) {
    self.clock = clock
  }

  /// - Returns: the cookie's value.
  func begin(_ user: String) -> String {
    let now = clock.now
    return sessions.withLock { sessions in
      sessions = sessions.filter { Self.isValid($0.value, at: now) }
      if sessions.count >= Self.capacity, let oldest = sessions.min(by: { $0.value.lastUse < $1.value.lastUse }) {
        sessions[oldest.key] = nil
      }
      let id = RandomToken.make()
      sessions[id] = Session(user: user, token: RandomToken.make(), start: now, lastUse: now)
      return id
    }
  }

  /// - Parameter isUse: Whether somebody asked; a page that updates itself is none.
  /// - Returns: the user and the token against forged requests; nil where the session is over, or none.
  func find(_ id: String, isUse: Bool) -> (user: String, token: String)? {
    let now = clock.now
    return sessions.withLock { sessions in
      guard let session = sessions[id] else { return nil }
      guard Self.isValid(session, at: now) else {
        sessions[id] = nil
        return nil
      }
      if isUse { sessions[id]?.lastUse = now }
      return (session.user, session.token)
    }
  }

  func end(_ id: String) {
    sessions.withLock { $0[id] = nil }
  }

  private static func isValid(_ session: Session, at now: Duration) -> Bool {
    now - session.lastUse < idleLimit && now - session.start < limit
  }
}
