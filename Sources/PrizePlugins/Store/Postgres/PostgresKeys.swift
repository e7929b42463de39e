/// Prunes the keys of handled events.
enum PostgresKeys {
  /// The advisory lock of the one worker of a schema that prunes now; the first number is ours alone.
  private static let lock = "SELECT pg_try_advisory_xact_lock(1886546299, hashtext(current_schema()))::int"

  /// Deletes the oldest keys that are old enough.
  ///
  /// - Parameter now: In ISO 8601; by the server's clock where it is nil.
  static func prune(
    olderThan age: Duration, now: String?, in transaction: PostgresTransaction
  ) throws -> KeyPruning.Step {
    guard try transaction.run([PostgresStatement(lock)])[0].rows.first?.first == "1" else {
      try transaction.undo()
      return .othersTurn
    }
    // A key that a delivery looks at now stays until the next time.
    let deleted = try transaction.finish([
      PostgresStatement(
        """
        DELETE FROM handled_events WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM handled_events
          WHERE handled_at < coalesce($1::timestamptz, now()) - make_interval(secs => $2::float8)
          ORDER BY handled_at LIMIT \(KeyPruning.step) FOR UPDATE SKIP LOCKED))
        """, now, "\(age / .seconds(1))")
    ])
    return .pruned(deleted[0].count)
  }
}
