import Testing
import WorkerKit

@testable import PrizePlugins

/// How a store is made, asked how it is, and diagnosed.
@Suite struct StoreHealthTests {
  @Test(arguments: StoreKind.all) func aCheckOfItsHealthChangesNothing(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
      try await prizes.store.checkHealth()
      #expect(try prizes.handledEvents() == 1)
      #expect(try prizes.items() == ["pending \(Fixture.stranger) coin 1"])
    }
  }

  @Test(arguments: StoreKind.all) func isOpenedByManyAtOnce(_ store: StoreKind) async throws {
    try await Fixture.withEmpty(store) { database in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            let store = try await database.open()
            _ = try await store.holdings(of: Fixture.alice)
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test(arguments: StoreKind.all) func findsNothingWrong(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      let findings = await prizes.database.findings()
      #expect(findings.allSatisfy { $0.status == .ok }, "\(findings)")
      #expect(findings.contains { $0.message.contains("2 communities, 3 item types, 2 characters, 1 linked account") })
    }
  }

  @Test(arguments: StoreKind.all) func findsThatNothingCanBeAwarded(_ store: StoreKind) async throws {
    try await Fixture.withEmpty(store) { database in
      let before = await database.findings()
      #expect(before.map(\.status).contains(.warning))
      #expect(before.flatMap(\.remedy).contains("worker prizes import catalog.yaml"))
      try await database.open().close()
      let after = await database.findings()
      #expect(after.contains { $0.status == .warning && $0.message.contains("the catalog is empty") }, "\(after)")
    }
  }

  @Test(arguments: StoreKind.all) func showsHoldingsWithoutOpeningTheStore(_ store: StoreKind) async throws {
    try await Fixture.with(store) { (prizes) async throws in
      _ = try await prizes.store.grant(.of(Fixture.coin, 2, to: Fixture.stranger), as: .item("1"))
      let holdings = try await prizes.database.holdings(of: "987654321098765432")
      #expect(holdings == (try await prizes.store.holdings(of: "987654321098765432")))
      #expect(holdings.items.pending.map(\.quantity) == [2])
    }
  }

  @Test(arguments: StoreKind.all) func findsNoHoldingsWhereNothingIs(_ store: StoreKind) async throws {
    try await Fixture.withEmpty(store) { database in
      let error = await #expect(throws: PrizeStoreError.self) { try await database.holdings(of: "alice") }
      #expect(error?.kind == .notFound)
    }
  }
}
