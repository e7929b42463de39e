import Foundation
import GRDB

/// How long a transaction waits for its turn: for those before it on the same connection, and then for the lock that
/// another connection holds.
///
/// SQLite's own wait counts from the moment that a transaction begins, so that the third of three that queue for a connection
/// would wait three times as long; and it does not heed cancellation.
enum LockWait {
  static let limit = Duration.seconds(5)
  private static let pause = Duration.milliseconds(5)

  @TaskLocal private static var deadline: ContinuousClock.Instant?

  /// Gives the transactions of `body` until so long from now.
  static func limited<Value>(to limit: Duration, _ body: () async throws -> Value) async rethrows -> Value {
    try await $deadline.withValue(.now + limit) { try await body() }
  }

  /// Called by SQLite, in the task of the transaction, each time that the lock is held by another connection.
  static let busyMode = Database.BusyMode.callback { attempts in
    let isOver = if let deadline { deadline < .now } else { pause * attempts >= limit }
    guard !isOver, !Task.isCancelled else { return false }
    Thread.sleep(forTimeInterval: pause / .seconds(1))
    return true
  }
}
