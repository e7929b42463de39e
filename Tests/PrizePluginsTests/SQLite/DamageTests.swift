import Foundation
import GRDB
import TestSupport
import Testing
import WorkerKit

@testable import PrizePlugins

/// A database with damaged pages: what rests on them is `unavailable`, and nothing is granted twice.
@Suite struct DamageTests {
  static let trees = [
    "sqlite_schema", "handled_events", "items", "one_stack_per_owner", "one_stack_per_pending", "items_by_type",
    "items_by_owner", "items_by_pending", "characters", "characters_by_owner", "characters_by_pending",
    "linked_accounts", "linked_accounts_by_user", "item_types", "item_types_by_community", "communities",
  ]

  @Test(arguments: trees, [UInt8(0), 0xFF])
  func refusesWhatRestsOnADamagedPage(of tree: String, filledWith byte: UInt8) async throws {
    try await Fixture.withFolder { folder in
      let path = folder.appending(path: "prizes.db").path
      try await grantMuch(path)
      let pages = try pages(of: tree, in: path)
      try #require(!pages.isEmpty)
      try damage(path, pages, byte)
      let store: SQLitePrizeStore
      do {
        store = try await SQLitePrizeStore(path: path)
      } catch let error as PrizeStoreError {
        #expect(error.kind == .unavailable)
        return
      }
      try await check(store)
    }
  }

  /// The one page that a health check looks at must not be the only one.
  @Test(arguments: ["handled_events", "items", "characters", "linked_accounts", "item_types", "items_by_owner"])
  func healthSeesADamagedTree(_ tree: String) async throws {
    try await Fixture.withFolder { folder in
      let path = folder.appending(path: "prizes.db").path
      try await grantMuch(path)
      try damage(path, pages(of: tree, in: path, "AND pagetype = 'leaf'"), 0)
      let store = try await SQLitePrizeStore(path: path)
      let error = await #expect(throws: PrizeStoreError.self) { try await store.checkHealth() }
      #expect(error?.kind == .unavailable)
      #expect(error?.message.contains("restore the file from a backup") == true)
    }
  }

  enum Access: CaseIterable {
    case grant, holdings, health

    func run(_ store: SQLitePrizeStore) async throws {
      switch self {
      case .grant: _ = try await store.grant(DamageTests.award(0), as: .item("after"))
      case .holdings: _ = try await store.holdings(of: "456", withHistory: true)
      case .health: try await store.checkHealth()
      }
    }
  }

  /// SQLite keeps a page that it has read until somebody commits, and where every worker has read a damaged one, nobody does.
  @Test(
    "a file that is whole again is read again, by a connection that has read the damage", arguments: Access.allCases)
  func readsAgain(_ access: Access) async throws {
    try await Fixture.withFolder { folder in
      let path = folder.appending(path: "prizes.db").path
      try await grantMuch(path)
      let pages = try pages(of: "items", in: path)
      let store = try await SQLitePrizeStore(path: path)
      // In processes of their own: where a process closes a file, it loses all locks that SQLite has on it.
      try await shell("cp \(path) \(path).whole")
      for page in pages { try await copyPage(page, from: "/dev/zero", to: path) }
      let error = await #expect(throws: PrizeStoreError.self) { try await access.run(store) }
      #expect(error?.message.contains("damaged") == true)
      for page in pages { try await copyPage(page, from: "\(path).whole", to: path) }
      try await access.run(store)
    }
  }

  private func copyPage(_ page: Int, from source: String, to path: String) async throws {
    let place = "count=1 bs=4096 skip=\(page - 1) seek=\(page - 1)"
    try await shell("dd if=\(source) of=\(path) \(place) conv=notrunc status=none")
  }

  private func shell(_ command: String) async throws {
    let end = try await runProcess("/bin/sh", ["-c", command])
    try #require(end.status == 0)
  }

  /// So many that each tree has several pages.
  private func grantMuch(_ path: String) async throws {
    let prizes = Fixture(path: path, store: try await SQLitePrizeStore(path: path))
    _ = try await prizes.store.importCatalog(CatalogReader.read(Fixture.catalog, file: "catalog.yaml"))
    for start in stride(from: 0, to: 1_000, by: 250) {
      let batch = (start..<start + 250).map { KeyedEvent(Self.award($0), key: .item("\($0)")) }
      for outcome in try await prizes.store.grant(batch) { _ = try outcome.get() }
    }
    _ = try await prizes.store.transfer(.of(Fixture.tomas, to: Fixture.aliceOnDiscord), as: .character("0"))
  }

  private static func award(_ number: Int) -> ItemAwarded {
    number.isMultiple(of: 2)
      ? .of(Fixture.sword, to: Fixture.aliceOnDiscord) : .of(Fixture.coin, to: .valid("\(10_000 + number)"))
  }

  private func pages(of tree: String, in path: String, _ condition: String = "") throws -> [Int] {
    try DatabaseQueue(path: path).read { db in
      try Int.fetchAll(db, sql: "SELECT pageno FROM dbstat WHERE name = ? \(condition)", arguments: [tree])
    }
  }

  private func damage(_ path: String, _ pages: [Int], _ byte: UInt8) throws {
    let handle = try FileHandle(forUpdating: URL(filePath: path))
    for page in pages {
      // The first page begins with the file's header, which is not a page's.
      let header = page == 1 ? 100 : 0
      try handle.seek(toOffset: UInt64((page - 1) * 4096 + header))
      try handle.write(contentsOf: Data(repeating: byte, count: 4096 - header))
    }
    try handle.close()
  }

  /// Everything that can be asked of it is answered rightly, or is `unavailable`.
  private func check(_ store: SQLitePrizeStore) async throws {
    for number in stride(from: 0, to: 1_000, by: 50) {
      await expect(.alreadyHandled) { try await store.grant(Self.award(number), as: .item("\(number)")) }
    }
    await expect(.now(.owned(by: Fixture.alice))) {
      try await store.grant(.of(Fixture.coin, to: Fixture.aliceOnDiscord), as: .item("new"))
    }
    await expect(.now(.owned(by: Fixture.alice))) {
      try await store.transfer(.of(Fixture.mira, to: Fixture.aliceOnDiscord), as: .character("new"))
    }
    await expect(.now(Claim(items: 1, characters: 0))) {
      try await store.link(AccountLinked(discordUserId: "10001", userId: "bob"), as: .link("new"))
    }
    await expect(1) { try await store.holdings(of: "10003").items.pending.count }
  }

  private func expect<Value: Equatable>(_ expected: Value, _ body: () async throws -> Value) async {
    do {
      #expect(try await body() == expected)
    } catch let error as PrizeStoreError {
      #expect(error.kind == .unavailable, "\(error)")
    } catch {
      Issue.record(error)
    }
  }
}
