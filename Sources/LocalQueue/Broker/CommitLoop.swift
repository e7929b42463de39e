import Foundation
import GRDB
import Logging

/// Runs operations on a thread of its own, as many as have come in one transaction: while one batch waits for the
/// disk, the next gathers. So a sync is shared by all who wait for it, and nobody is answered before it.
///
/// The broker and the database belong to that thread alone; nothing else can reach them.
final class CommitLoop: Sendable {
  private let inbox = Inbox()
  private let database: DatabaseQueue
  private let account: String
  private let clock: @Sendable () -> Milliseconds
  private let logger: Logger

  init(
    database: DatabaseQueue, account: String, clock: @escaping @Sendable () -> Milliseconds = Milliseconds.clock(),
    logger: Logger
  ) {
    self.database = database
    self.account = account
    self.clock = clock
    self.logger = logger
  }

  /// Does an operation; returns when what it wrote is durable.
  func perform(_ operation: any Operation, for caller: Caller) async throws -> JSONValue {
    try await withCheckedThrowingContinuation { continuation in
      inbox.put(Broker.Request(operation: operation, caller: caller, reply: Reply(continuation)))
    }
  }

  /// Ends the waits of all receives, now and from now on.
  func endWaits() { inbox.endWaits() }

  /// Lets ``run()`` return when it has done what came in.
  func close() { inbox.close() }

  /// Runs until ``close()``.
  ///
  /// - Throws: what keeps the database from being read at the start.
  func run() async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let thread = Thread {
        continuation.resume(with: Result { try self.database.writeWithoutTransaction { try self.loop(in: $0) } })
      }
      thread.name = "local queue"
      thread.start()
    }
  }

  private func loop(in db: Database) throws {
    defer {
      // Where the loop ends by an error, somebody may still wait for an answer.
      inbox.close()
      for request in inbox.next(until: 0, clock: clock)?.requests ?? [] { request.reply(.failure(.internalFailure)) }
    }
    var broker = try makeBroker(db)
    var failures = 0
    while let batch = inbox.next(until: nextEvent(of: broker, after: failures), clock: clock) {
      do {
        try broker.storage.transaction {
          broker.begin()
          for request in batch.requests { try broker.perform(request) }
          try broker.advance()
          if batch.endsWaits { broker.endWaits() }
        }
        for finished in broker.takeFinished() { finished.answer() }
        if failures > 0 { logger.notice("the database works again", metadata: ["failures": "\(failures)"]) }
        failures = 0
      } catch {
        if failures == 0 {
          logger.error("the database failed; what was asked for was not done", metadata: ["error": "\(error)"])
        }
        failures += 1
        // What is in memory may be ahead of what is on the disk. Everybody is told, and the disk is read again.
        let served = broker.takeFinished().map(\.request)
        for request in batch.requests + broker.waitingRequests + served { request.reply(.failure(.internalFailure)) }
        broker.forgetWaits()
        broker = try makeBroker(db)
      }
    }
    broker.endWaits()
    for finished in broker.takeFinished() { finished.answer() }
  }

  /// What is due by itself waits longer and longer while the database fails, up to half a minute.
  private func nextEvent(of broker: Broker, after failures: Int) -> Milliseconds? {
    guard failures > 0, let next = broker.nextEvent else { return broker.nextEvent }
    return max(next, clock() + .seconds(min(30, 1 << min(failures - 1, 5))))
  }

  private func makeBroker(_ db: Database) throws -> Broker {
    try Broker(storage: Storage(db), account: account, clock: clock)
  }
}
