import Foundation
import GRDB
import Logging

/// Performs operations on a thread of its own. All operations that are waiting share one transaction: while one batch
/// is written to disk, the next one collects. Thus the operations share a sync, and no response is sent before it.
///
/// The broker and the database are confined to that thread.
final class CommitLoop: Sendable {
  private let inbox = Inbox()
  private let database: QueueDatabase
  private let account: String
  private let clock: @Sendable () -> Milliseconds
  private let logger: Logger

  init(
    database: QueueDatabase, account: String, clock: @escaping @Sendable () -> Milliseconds = Milliseconds.clock(),
    logger: Logger
  ) {
    self.database = database
    self.account = account
    self.clock = clock
    self.logger = logger
  }

  /// Performs an operation. Returns when its writes are durable.
  func perform(_ operation: any Operation, for caller: Caller) async throws -> JSONValue {
    try await withCheckedThrowingContinuation { continuation in
      inbox.put(Broker.Request(operation: operation, caller: caller, reply: Reply(continuation)))
    }
  }

  /// Ends all waiting receives, and lets later ones return at once.
  func endWaits() { inbox.endWaits() }

  /// Makes ``run()`` return after it has processed the received requests.
  func close() { inbox.close() }

  /// Runs until ``close()``.
  ///
  /// - Throws: An error if the database cannot be read at the start.
  func run() async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let thread = Thread {
        continuation.resume(
          with: Result { try self.database.connection.writeWithoutTransaction { try self.loop(in: $0) } })
      }
      thread.name = "local queue"
      thread.start()
    }
  }

  private func loop(in db: Database) throws {
    defer {
      // If the loop ends with an error, requests may still wait for a response.
      inbox.close()
      for request in inbox.next(until: 0, clock: clock)?.requests ?? [] { request.reply(.failure(.internalFailure)) }
    }
    var broker = try makeBroker(db)
    var failures = 0
    while let batch = inbox.next(until: nextEvent(of: broker, after: failures), clock: clock) {
      do {
        try commit(batch.requests, endsWaits: batch.endsWaits, in: broker)
        if failures > 0 {
          logger.notice("the database works again", metadata: ["failures": "\(failures)"])
          failures = 0
          database.reserveSpace()
        }
      } catch {
        if failures == 0 {
          let reason = (error as? ServiceError)?.message ?? "\(error)"
          logger.error("the database failed; the requests were not performed", metadata: ["error": "\(reason)"])
        }
        failures += 1
        broker = try recover(broker, from: error, requests: batch.requests, in: db)
      }
    }
    broker.endWaits()
    for finished in broker.takeFinished() { finished.answer() }
  }

  /// Performs requests in one transaction, and sends the responses once it is durable.
  private func commit(_ requests: [Broker.Request], endsWaits: Bool, in broker: Broker) throws {
    try database.checkFiles()
    try broker.storage.transaction {
      broker.begin()
      for request in requests { try broker.perform(request) }
      try broker.advance()
      if endsWaits { broker.endWaits() }
    }
    // A write must not be acknowledged if its file is gone.
    try database.checkFiles()
    for finished in broker.takeFinished() { finished.answer() }
  }

  /// Answers the requests of a failed transaction.
  ///
  /// - Returns: The broker to continue with.
  private func recover(
    _ broker: Broker, from error: any Error, requests: [Broker.Request], in db: Database
  ) throws -> Broker {
    if let error = error as? ServiceError {
      refuse(requests, of: broker, error)
      return broker
    }
    guard (error as? DatabaseError)?.resultCode == .SQLITE_FULL else {
      refuse(requests, of: broker, .internalFailure)
      // The state in memory may be ahead of the disk, so it is read again.
      return try makeBroker(db)
    }
    refuse([], of: broker, .diskIsFull, sparing: requests)
    // Together the requests did not fit. With an empty log, each may fit alone.
    var broker = try makeBroker(db)
    freeLog(db)
    for request in requests {
      do {
        try commit([request], endsWaits: false, in: broker)
      } catch {
        refuse([request], of: broker, (error as? ServiceError) ?? .diskIsFull)
        broker = try makeBroker(db)
      }
      freeLog(db)
    }
    return broker
  }

  /// Writes the log to the database, whose file has space for it. If the disk fails, the next commit fails as well and
  /// reports it.
  private func freeLog(_ db: Database) { try? db.execute(sql: "PRAGMA wal_checkpoint(RESTART)") }

  /// Answers requests, and all other unanswered ones of the broker, with an error.
  private func refuse(
    _ requests: [Broker.Request], of broker: Broker, _ error: ServiceError, sparing spared: [Broker.Request] = []
  ) {
    let served = broker.takeFinished().map(\.request)
    for request in requests + broker.waitingRequests + served
    where !spared.contains(where: { $0.reply === request.reply }) {
      request.reply(.failure(error))
    }
    broker.forgetWaits()
  }

  /// The next event. While the database fails, the delay grows, up to half a minute.
  private func nextEvent(of broker: Broker, after failures: Int) -> Milliseconds? {
    guard failures > 0, let next = broker.nextEvent else { return broker.nextEvent }
    return max(next, clock() + .seconds(min(30, 1 << min(failures - 1, 5))))
  }

  private func makeBroker(_ db: Database) throws -> Broker {
    try Broker(storage: Storage(db), account: account, clock: clock)
  }
}
