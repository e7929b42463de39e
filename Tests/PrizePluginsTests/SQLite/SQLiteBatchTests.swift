import Foundation
import Testing
import WorkerKit

@testable import PrizePlugins

/// What becomes of a batch in ways that only SQLite has.
@Suite struct SQLiteBatchTests {
  @Test func failsAsAWholeWhereTheTransactionIsGivenUp() async throws {
    try await Fixture.with { (prizes) async throws in
      try prizes.execute(
        """
        CREATE TRIGGER broken BEFORE INSERT ON items WHEN NEW.quantity = 13
        BEGIN SELECT raise(ROLLBACK, 'out of order'); END
        """)
      await #expect(throws: PrizeStoreError.self) {
        _ = try await prizes.store.grant(
          BatchTests.batch([
            ("1", .of(Fixture.coin, 1, to: Fixture.stranger)), ("2", .of(Fixture.coin, 13, to: Fixture.stranger)),
            ("3", .of(Fixture.coin, 1, to: Fixture.stranger)),
          ]))
      }
      #expect(try prizes.items().isEmpty)
      #expect(try prizes.handledEvents() == 0)
    }
  }

  @Test func failsAsAWholeWhereTheFileWasMoved() async throws {
    try await Fixture.with { (prizes) async throws in
      try FileManager.default.moveItem(atPath: prizes.path, toPath: prizes.path + ".moved")
      let error = await #expect(throws: PrizeStoreError.self) {
        _ = try await prizes.store.grant(
          BatchTests.batch([
            ("1", .of(Fixture.coin, to: Fixture.stranger)), ("2", .of("nothing", to: Fixture.stranger)),
          ]))
      }
      #expect(error?.kind == .unavailable)
    }
  }
}
