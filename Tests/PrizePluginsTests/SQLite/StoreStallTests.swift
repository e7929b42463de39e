import Dispatch
import Foundation
import GRDB
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// A database that does not answer: a call ends within its limit, and so does the question how the database is.
@Suite(.timeLimit(.minutes(20))) struct StoreStallTests {
  /// Runs `body` while another connection holds a lock.
  private func withLock(
    _ statement: String, on prizes: Fixture, _ body: () async throws -> Void
  ) async throws {
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: prizes.path, configuration: configuration)
    try await other.writeWithoutTransaction { db in try db.execute(sql: statement) }
    let result: Result<Void, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    try await other.writeWithoutTransaction { db in try db.execute(sql: "ROLLBACK") }
    try result.get()
  }

  /// Runs `body` while a connection is held up, as a disk that hangs would hold it.
  private func withHeld(_ connection: any DatabaseWriter, _ body: () async throws -> Void) async throws {
    let end = DispatchSemaphore(value: 0)
    await withCheckedContinuation { isHeld in
      connection.asyncWriteWithoutTransaction { _ in
        isHeld.resume()
        end.wait()
      }
    }
    defer { end.signal() }
    try await body()
  }

  @Test(arguments: ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"])
  func callsWaitTogether(_ lock: String) async throws {
    try await Fixture.with { (prizes) async throws in
      let limit = Duration.seconds(5)
      let store = try await SQLitePrizeStore(path: prizes.path, lockLimit: limit)
      func wait(as number: Int) async {
        let error = await #expect(throws: PrizeStoreError.self) {
          try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("\(number)"))
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("another connection holds its lock") == true)
      }
      try await withLock(lock, on: prizes) {
        let clock = ContinuousClock()
        // What this machine takes for one.
        let one = await clock.measure { await wait(as: 0) }
        let twelve = await clock.measure {
          await withTaskGroup { group in
            for number in 0..<12 { group.addTask { await wait(as: number) } }
          }
        }
        // One after the other they would take twelve times as long.
        #expect(twelve < one * 8)
      }
      #expect(try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("0")) != .alreadyHandled)
    }
  }

  @Test func aCancelledCallWaitsForNoLock() async throws {
    try await Fixture.with { (prizes) async throws in
      let store = try await SQLitePrizeStore(path: prizes.path, lockLimit: .seconds(3_600))
      try await withLock("BEGIN IMMEDIATE", on: prizes) {
        let waits = Task { try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1")) }
        let queues = Task { try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("2")) }
        waits.cancel()
        queues.cancel()
        await #expect(throws: CancellationError.self) { try await waits.value }
        await #expect(throws: CancellationError.self) { try await queues.value }
      }
      #expect(try prizes.handledEvents() == 0)
    }
  }

  @Test func healthSaysThatAnotherHoldsTheLockWhileCallsQueueForIt() async throws {
    try await Fixture.with { (prizes) async throws in
      let store = try await SQLitePrizeStore(path: prizes.path, lockLimit: .seconds(3_600))
      try await withLock("BEGIN EXCLUSIVE", on: prizes) {
        let calls = (0..<3).map { number in
          Task { try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("\(number)")) }
        }
        let error = await #expect(throws: PrizeStoreError.self) { try await store.checkHealth() }
        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("another connection holds its lock") == true)
        for call in calls { call.cancel() }
        for call in calls { _ = await call.result }
      }
      try await store.checkHealth()
    }
  }

  @Test func healthAnswersWhileTheConnectionThatWritesIsHeldUp() async throws {
    try await Fixture.with { (prizes) async throws in
      try await withHeld(prizes.sqlite.connections.pool) {
        try await prizes.sqlite.checkHealth()
      }
    }
  }

  @Test func healthAnswersWhereItsOwnConnectionDoesNot() async throws {
    try await Fixture.with { (prizes) async throws in
      let health = prizes.sqlite.connections.health
      try await withHeld(health.queue) {
        let error = await #expect(throws: PrizeStoreError.self) { try await health.run(limit: .milliseconds(1)) }
        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("does not answer: \(prizes.path)") == true)

        let check = Task { try await health.run(limit: .seconds(3_600)) }
        check.cancel()
        await #expect(throws: CancellationError.self) { try await check.value }
      }
      try await health.run()
    }
  }

  /// Readers hold up checkpoints alone.
  @Test func grantsBesideALongRead() async throws {
    try await Fixture.with { (prizes) async throws in
      try await withLock("BEGIN; SELECT * FROM handled_events", on: prizes) {
        for number in 0..<3 {
          _ = try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("\(number)"))
        }
        try await prizes.sqlite.checkHealth()
      }
    }
  }
}
