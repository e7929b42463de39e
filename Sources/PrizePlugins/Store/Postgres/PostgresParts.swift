import WorkerKit

/// The events of a batch in one transaction, where the database refuses at least one of them.
///
/// They are handled in halves, each in a savepoint, down to the event that is refused alone: for one of 250, that takes 16 savepoints.
struct PostgresParts<Event: RecordedEvent, Outcome: Sendable> {
  typealias Outcomes = [Result<Handled<Outcome>, any Error>]

  /// How long before its deadline a transaction begins nothing more, so that it can commit what it has done.
  private static var reserve: Duration { .seconds(2) }

  let connection: PostgresConnection
  let deadline: ContinuousClock.Instant
  let database: String
  let work: ([KeyedEvent<Event>], PostgresTransaction) throws -> Outcomes

  /// - Returns: In the order of the events. Where many are refused, time can be over before all have been handled; the rest fail as by
  ///   a timeout, and come again.
  func outcomes(of events: [KeyedEvent<Event>]) throws -> Outcomes {
    let whole = PostgresTransaction.whole(connection, until: deadline)
    _ = try whole.run([])
    let outcomes = try halves(of: events[...])
    // What is checked at the commit says nothing about which event it was, and fails all.
    try whole.finish()
    return outcomes
  }

  private func halves(of events: ArraySlice<KeyedEvent<Event>>) throws -> Outcomes {
    let middle = events.startIndex + events.count / 2
    return try part(events[..<middle]) + part(events[middle...])
  }

  private func part(_ events: ArraySlice<KeyedEvent<Event>>) throws -> Outcomes {
    guard .now + Self.reserve < deadline else {
      return events.map { _ in .failure(PrizeStoreError(.timeout, database: database)) }
    }
    let savepoint = PostgresTransaction.savepoint(connection, until: deadline)
    do {
      return try work(Array(events), savepoint)
    } catch let failure as PostgresFailure where failure.concernsOneEvent {
      try savepoint.undo(toSavepoint: true)
      guard events.count > 1 else {
        return events.map { .failure(failure.ofEvent($0.event, database: database)) }
      }
      return try halves(of: events)
    }
  }
}
