import GRDB
import WorkerKit

/// Tries what a grant needs: the lock, the disk, the permissions, and pages of every table.
///
/// It has a connection of its own, and answers within ``limit`` whatever becomes of the others or of the disk.
struct HealthProbe: Sendable {
  static let limit = Duration.seconds(8)
  /// A grant has waited longer before anyone asks.
  private static let lockLimit = Duration.seconds(2)

  let queue: DatabaseQueue
  let files: DatabaseFiles

  /// - Throws: ``PrizeStoreError``, `DatabaseError` or ``DatabaseFiles/Fault``; `CancellationError`, at once.
  func run(limit: Duration = limit) async throws {
    // Not on Swift's pool: handlers may block all of its threads.
    try await withTaskExecutorPreference(WorkerThread.shared) { try await probe(limit: limit) }
  }

  private func probe(limit: Duration) async throws {
    let (answers, answer) = AsyncThrowingStream.makeStream(of: Void.self)
    // Not a child task: nothing ends a thread that waits for a disk, and nobody waits for that thread.
    let attempt = Task(executorPreference: WorkerThread.shared) {
      do {
        try await LockWait.limited(to: Self.lockLimit) { try await commitNothing() }
        answer.finish()
      } catch {
        answer.finish(throwing: error)
      }
    }
    defer { attempt.cancel() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      defer { group.cancelAll() }
      group.addTask { for try await _ in answers {} }
      group.addTask {
        try await Task.sleep(for: limit)
        throw PrizeStoreError.noAnswer(path: queue.path, within: limit)
      }
      try await group.next()
    }
    try Task.checkCancellation()
  }

  private func commitNothing() async throws {
    try await queue.writeWithoutTransaction { db in
      try db.forgettingDamage {
        try db.inTransaction(.immediate) {
          for sql in Self.samples { try db.run(sql) }
          let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
          try db.execute(sql: "PRAGMA user_version = \(version)")
          try files.check(db)
          return .commit
        }
      }
      try files.checkFolders()
    }
  }

  /// Both ends of every table and index, and some of the many pages where the next event's key may belong. A damaged page
  /// elsewhere is not found.
  private static let samples =
    [
      "communities ORDER BY id", "communities ORDER BY discord_guild_id", "item_types ORDER BY id",
      "item_types ORDER BY community_id", "linked_accounts ORDER BY discord_user_id",
      "linked_accounts ORDER BY user_id",
      "items ORDER BY id", "items ORDER BY item_type_id", "characters ORDER BY id",
      "items WHERE owner_user_id IS NOT NULL ORDER BY owner_user_id",
      "items WHERE pending_discord_user_id IS NOT NULL ORDER BY pending_discord_user_id",
      "characters WHERE owner_user_id IS NOT NULL ORDER BY owner_user_id",
      "characters WHERE pending_discord_user_id IS NOT NULL ORDER BY pending_discord_user_id",
      "handled_events ORDER BY event_type", "handled_events ORDER BY handled_at",
      "ledger ORDER BY id", "ledger ORDER BY discord_user_id", "ledger ORDER BY substr(at, 1, 10)",
      "ledger WHERE user_id IS NOT NULL ORDER BY user_id", "ledger ORDER BY community_id",
      "ledger ORDER BY item_type_id",
    ].flatMap { ["SELECT * FROM \($0) LIMIT 1", "SELECT * FROM \($0) DESC LIMIT 1"] }
    + repeatElement(
      """
      SELECT content FROM handled_events
      WHERE event_type = (SELECT event_type FROM handled_events ORDER BY event_type DESC LIMIT 1)
        AND key >= lower(hex(randomblob(4)))
      LIMIT 1
      """, count: 8)
}
