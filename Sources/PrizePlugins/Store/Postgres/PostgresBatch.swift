import WorkerKit

/// The events of a batch and their keys, in a transaction.
///
/// All transactions lock rows in this order, and those of a table by their ids, so that none waits for one that waits for it: keys,
/// accounts, items, characters.
struct PostgresBatch<Event: RecordedEvent> {
  let events: [KeyedEvent<Event>]
  private let contents: [String]
  /// Each key once, in the order in which all transactions claim keys, with the first content that it comes with.
  private let claims: [(key: EventKey, content: String)]
  /// The contents of events that are handled, those of this batch included.
  private var handled: [EventKey: String] = [:]
  private var handledBefore: Set<EventKey> = []

  init(_ events: [KeyedEvent<Event>]) {
    self.events = events
    contents = events.map(\.event.content)
    var first: [EventKey: String] = [:]
    for (event, content) in zip(events, contents) where first[event.key] == nil { first[event.key] = content }
    claims = first.map { (key: $0.key, content: $0.value) }.sorted { $0.key < $1.key }
  }

  /// Records the keys, before anything else: a second delivery of one of the events waits here until this transaction ends, and then
  /// sees what became of it.
  ///
  /// - Parameter time: In ISO 8601; by the server's clock where it is nil.
  func claimKeys(at time: String?) -> PostgresStatement {
    PostgresStatement(
      """
      INSERT INTO handled_events (event_type, key, content, handled_at)
      SELECT event_type, key, content, coalesce($4::timestamptz, now())
      FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS e (event_type, key, content, n) ORDER BY n
      ON CONFLICT (event_type, key) DO NOTHING RETURNING event_type, key
      """,
      PostgresStatement.array(claims.map(\.key.eventType)), PostgresStatement.array(claims.map(\.key.key)),
      PostgresStatement.array(claims.map(\.content)), time)
  }

  /// Learns which of the keys were handled before.
  ///
  /// It locks their rows, which is written to the log: so this transaction's commit waits until all before it are as durable as it must
  /// be itself. The commit that recorded them may have been cut off from its standbys.
  ///
  /// - Parameter claimed: What ``claimKeys(at:)`` brought.
  mutating func readKeys(_ claimed: PostgresRows, in transaction: PostgresTransaction) throws {
    guard claimed.rows.count < claims.count else { return }
    let ours = Set(try claimed.required().map { EventKey(eventType: $0[0], key: $0[1]) })
    let others = claims.map(\.key).filter { !ours.contains($0) }
    let rows = try transaction.run([
      PostgresStatement(
        """
        SELECT event_type, key, content FROM handled_events
        WHERE (event_type, key) IN (SELECT event_type, key FROM unnest($1::text[], $2::text[]) AS e (event_type, key))
        FOR KEY SHARE
        """,
        PostgresStatement.array(others.map(\.eventType)), PostgresStatement.array(others.map(\.key)))
    ])
    for row in try rows[0].required() { handled[EventKey(eventType: row[0], key: row[1])] = row[2] }
    handledBefore = Set(handled.keys)
    // One that was pruned between the two statements.
    guard handledBefore.count == others.count else { throw PostgresFailure(state: "40001", message: "a key went away") }
  }

  /// Does the work of each event in their order, unless its key is recorded already.
  ///
  /// - Parameter work: Throws what the event got wrong, before it has noted anything to write.
  mutating func outcomes<Outcome>(
    _ work: (KeyedEvent<Event>) throws(EventError) -> Outcome
  ) -> [Result<Handled<Outcome>, any Error>] {
    zip(events, contents).map { event, content in
      if let recorded = handled[event.key] {
        return recorded.utf8.elementsEqual(content.utf8)
          ? .success(.alreadyHandled) : .failure(EventError.reusedKey(event.key))
      }
      do throws(EventError) {
        let outcome = try work(event)
        handled[event.key] = content
        return .success(.now(outcome))
      } catch {
        return .failure(error)
      }
    }
  }

  /// Frees the keys of events that failed. Where the first event of a key failed and a later one of the same batch was handled,
  /// records that one.
  var corrections: [PostgresStatement] {
    var freed: [EventKey] = []
    var corrected: [(key: EventKey, content: String)] = []
    for claim in claims where !handledBefore.contains(claim.key) {
      guard let content = handled[claim.key] else {
        freed.append(claim.key)
        continue
      }
      if !content.utf8.elementsEqual(claim.content.utf8) { corrected.append((claim.key, content)) }
    }
    var statements: [PostgresStatement] = []
    if !freed.isEmpty {
      statements.append(
        PostgresStatement(
          """
          DELETE FROM handled_events USING unnest($1::text[], $2::text[]) AS e (event_type, key)
          WHERE handled_events.event_type = e.event_type AND handled_events.key = e.key
          """,
          PostgresStatement.array(freed.map(\.eventType)), PostgresStatement.array(freed.map(\.key))))
    }
    if !corrected.isEmpty {
      statements.append(
        PostgresStatement(
          """
          UPDATE handled_events SET content = e.content
          FROM unnest($1::text[], $2::text[], $3::text[]) AS e (event_type, key, content)
          WHERE handled_events.event_type = e.event_type AND handled_events.key = e.key
          """,
          PostgresStatement.array(corrected.map(\.key.eventType)), PostgresStatement.array(corrected.map(\.key.key)),
          PostgresStatement.array(corrected.map(\.content))))
    }
    return statements
  }
}

extension EventKey {
  /// By bytes: the order is one for all, whatever the server's language.
  static func < (left: EventKey, right: EventKey) -> Bool {
    left.eventType.utf8.elementsEqual(right.eventType.utf8)
      ? left.key.utf8.lexicographicallyPrecedes(right.key.utf8)
      : left.eventType.utf8.lexicographicallyPrecedes(right.eventType.utf8)
  }
}
