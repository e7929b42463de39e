import Foundation
import GRDB
import Testing
import WorkerKit

@testable import PrizePlugins

/// Nothing is reported as granted that rests on a file which is not in its place.
@Suite struct StoreFilesTests {
  /// What can happen to the files of a database at `path`.
  enum Mishap: String, CaseIterable, CustomStringConvertible {
    case databaseDeleted, databaseMoved, databaseReplaced, folderRenamed, indexDeleted
    case logDeleted, logMoved, logReplacedByItsCopy, logCutShort, logEmptied, logOverwritten

    var description: String { rawValue }

    func happen(to path: String) throws {
      let files = FileManager.default
      let log = path + "-wal"
      switch self {
      case .databaseDeleted: try files.removeItem(atPath: path)
      case .databaseMoved: try files.moveItem(atPath: path, toPath: path + ".aside")
      case .databaseReplaced: try replaceByItsCopy(path)
      case .folderRenamed:
        let folder = URL(filePath: path).deletingLastPathComponent().path
        try files.moveItem(atPath: folder, toPath: folder + ".aside")
        // For whoever removes it.
        try files.createDirectory(atPath: folder, withIntermediateDirectories: false)
        try files.moveItem(atPath: folder + ".aside", toPath: folder + "/aside")
      case .indexDeleted: try files.removeItem(atPath: path + "-shm")
      case .logDeleted: try files.removeItem(atPath: log)
      case .logMoved: try files.moveItem(atPath: log, toPath: log + ".aside")
      case .logReplacedByItsCopy: try replaceByItsCopy(log)
      case .logCutShort: #expect(truncate(log, 4096) == 0)
      case .logEmptied: #expect(truncate(log, 0) == 0)
      case .logOverwritten:
        let handle = try FileHandle(forWritingTo: URL(filePath: log))
        try handle.write(contentsOf: Data(repeating: 0, count: 64))
        try handle.close()
      }
    }

    private func replaceByItsCopy(_ path: String) throws {
      try FileManager.default.copyItem(atPath: path, toPath: path + ".copy")
      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.moveItem(atPath: path + ".copy", toPath: path)
    }
  }

  @Test func aDiagnosisLeavesNoFiles() async throws {
    try await Fixture.with { (prizes) async throws in
      prizes.store.close()
      let folder = URL(filePath: prizes.path).deletingLastPathComponent().path
      let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      for _ in 0..<50 {
        let findings = await prizes.database.findings()
        #expect(findings.allSatisfy { $0.status == .ok })
        try #require(try FileManager.default.contentsOfDirectory(atPath: folder) == files)
      }
    }
  }

  @Test(arguments: Mishap.allCases)
  func reportsNoSuccess(after mishap: Mishap) async throws {
    try await Fixture.with { (prizes) async throws in
      let store = prizes.sqlite
      _ = try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("before"))
      try mishap.happen(to: prizes.path)
      await expectUnavailable { _ = try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1")) }
      await expectUnavailable {
        _ = try await store.transfer(.of(Fixture.mira, to: Fixture.stranger), as: .character("1"))
      }
      await expectUnavailable {
        _ = try await store.link(AccountLinked(discordUserId: Fixture.stranger, userId: "bob"), as: .link("1"))
      }
      await expectUnavailable {
        _ = try await store.importCatalog(CatalogReader.read(Fixture.catalog, file: "catalog.yaml"))
      }
      await expectUnavailable { try await store.checkHealth() }
    }
  }

  /// The last moment at which a check before the commit is too early.
  @Test(arguments: [Mishap.databaseDeleted, .indexDeleted, .logDeleted, .logReplacedByItsCopy, .folderRenamed])
  func reportsNoSuccess(whereDuringTheCommit mishap: Mishap) async throws {
    try await Fixture.with { (prizes) async throws in
      let saboteur = Saboteur { try mishap.happen(to: prizes.path) }
      prizes.sqlite.connections.pool.add(transactionObserver: saboteur, extent: .databaseLifetime)
      await expectUnavailable {
        _ = try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
      }
      #expect(saboteur.hasActed)
    }
  }

  /// The log is gone with a process that is killed; the database file alone must do.
  @Test(arguments: [Mishap.logDeleted, .logMoved, .logReplacedByItsCopy])
  func savesWhatWasInTheLog(after mishap: Mishap) async throws {
    try await Fixture.with { (prizes) async throws in
      for number in 1...20 {
        _ = try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("\(number)"))
      }
      try mishap.happen(to: prizes.path)
      await expectUnavailable {
        _ = try await prizes.store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("21"))
      }
      try await Fixture.withFolder { folder in
        let copy = folder.appending(path: "copy.db").path
        try FileManager.default.copyItem(atPath: prizes.path, toPath: copy)
        let saved = Fixture(path: copy, store: try await SQLitePrizeStore(path: copy))
        #expect(try saved.items() == ["pending \(Fixture.stranger) coin 20"])
        #expect(try saved.handledEvents() == 20)
      }
    }
  }

  /// SQLite writes the log into the database when the last connection is closed.
  @Test func leavesTheDatabaseAloneWhenItsLogWasWrittenOver() async throws {
    try await Fixture.withFolder { folder in
      let path = folder.appending(path: "prizes.db").path
      do {
        let prizes = Fixture(path: path, store: try await SQLitePrizeStore(path: path))
        _ = try await prizes.store.importCatalog(CatalogReader.read(Fixture.catalog, file: "catalog.yaml"))
      }
      let content = try Data(contentsOf: URL(filePath: path))
      do {
        let store = try await SQLitePrizeStore(path: path)
        _ = try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
        let log = URL(filePath: path + "-wal")
        let size = try FileManager.default.attributesOfItem(atPath: log.path)[.size] as? Int
        let handle = try FileHandle(forWritingTo: log)
        try handle.write(contentsOf: Data(repeating: 0xAA, count: try #require(size)))
        try handle.close()
        await expectUnavailable { _ = try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("2")) }
      }
      #expect(try Data(contentsOf: URL(filePath: path)) == content)
    }
  }

  /// The same where nobody has noticed that the log went away.
  @Test func leavesTheDatabaseAloneThatWentOnWithAnotherLog() async throws {
    try await Fixture.withFolder { folder in
      let path = folder.appending(path: "prizes.db").path
      do {
        let idle = try await SQLitePrizeStore(path: path)
        let other = Fixture(path: path, store: try await SQLitePrizeStore(path: path))
        _ = try await other.store.importCatalog(CatalogReader.read(Fixture.catalog, file: "catalog.yaml"))
        try await idle.connections.pool.writeWithoutTransaction { db in _ = try db.checkpoint(.restart) }
        try FileManager.default.removeItem(atPath: path + "-wal")
        let later = try await SQLitePrizeStore(path: path)
        _ = try await later.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("1"))
      }
      // Neither was closed, as the connections of a process are that was killed: the log is still there.
      let copy = folder.appending(path: "copy.db").path
      for suffix in ["", "-wal"] { try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix) }
      #expect(try Fixture(path: copy, store: try await SQLitePrizeStore(path: copy)).handledEvents() == 1)
    }
  }

  /// None of this is a mishap.
  @Test func goesOnBesideOtherProcessesAndCheckpoints() async throws {
    try await Fixture.with { (prizes) async throws in
      let other = try await SQLitePrizeStore(path: prizes.path)
      for number in 1...30 {
        let store = number.isMultiple(of: 2) ? prizes.sqlite : other
        _ = try await store.grant(.of(Fixture.coin, to: Fixture.stranger), as: .item("\(number)"))
        try await store.checkHealth()
        switch number % 5 {
        case 1: try await store.connections.pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
        case 2: try await store.connections.pool.writeWithoutTransaction { db in _ = try db.checkpoint(.restart) }
        case 3: try await store.connections.pool.vacuum()
        default: break
        }
      }
      #expect(try prizes.items() == ["pending \(Fixture.stranger) coin 30"])
    }
  }

  private func expectUnavailable(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
  ) async {
    let error = await #expect(throws: PrizeStoreError.self, sourceLocation: sourceLocation) { try await body() }
    #expect(error?.kind == .unavailable, sourceLocation: sourceLocation)
  }
}

/// Does something once, when SQLite is about to commit.
///
/// `@unchecked` is sound: GRDB calls it on the writer's queue, and the test reads after that.
private final class Saboteur: TransactionObserver, @unchecked Sendable {
  private let act: @Sendable () throws -> Void
  private(set) var hasActed = false

  init(_ act: @escaping @Sendable () throws -> Void) {
    self.act = act
  }

  func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
  func databaseDidChange(with event: DatabaseEvent) {}
  func databaseDidCommit(_ db: Database) {}
  func databaseDidRollback(_ db: Database) {}

  func databaseWillCommit() throws {
    guard !hasActed else { return }
    hasActed = true
    try act()
  }
}
