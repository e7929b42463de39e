import Foundation
import GRDB
import Testing
import WorkerKit

@testable import PrizePlugins

@Suite struct StoreErrorTests {
  @Test func namesAFolderThatDoesNotExist() async throws {
    try await Fixture.withFolder { folder in
      let path = folder.appending(path: "missing/prizes.db").path
      let error = await #expect(throws: PrizeStoreError.self) { try await SQLitePrizeStore(path: path) }
      #expect(error?.kind == .unavailable)
      #expect(error?.database == path)
      #expect(
        error?.description == "cannot open the prize database: \(path): unable to open database file; "
          + "its folder must exist, and the worker's user must be able to write in it")
    }
  }

  @Test func namesAPathThatIsAFolder() async throws {
    try await Fixture.withFolder { folder in
      let error = await #expect(throws: PrizeStoreError.self) { try await SQLitePrizeStore(path: folder.path) }
      #expect(error?.kind == .unavailable)
      #expect(error?.message.contains(folder.path) == true)
    }
  }

  @Test func refusesAFileThatIsNoDatabase() async throws {
    try await Fixture.withFolder { folder in
      let file = folder.appending(path: "notes.txt")
      try Data(repeating: 0x61, count: 4096).write(to: file)
      let error = await #expect(throws: PrizeStoreError.self) { try await SQLitePrizeStore(path: file.path) }
      #expect(error?.message.contains("name an SQLite database") == true)
    }
  }

  /// Permissions do not bind the superuser, as whom containers often run tests.
  @Test(.enabled(if: geteuid() != 0)) func refusesAFileThatItMayNotWrite() async throws {
    try await Fixture.with { (prizes) async throws in
      try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: prizes.path)
      let error = await #expect(throws: PrizeStoreError.self) { try await SQLitePrizeStore(path: prizes.path) }
      #expect(error?.kind == .unavailable)
      #expect(error?.message.contains("must be able to write") == true)
    }
  }

  @Test func refusesDataOfANewerVersion() async throws {
    try await Fixture.with { (prizes) async throws in
      try prizes.execute("INSERT INTO grdb_migrations (identifier) VALUES ('v999')")
      let error = await #expect(throws: PrizeStoreError.self) { try await SQLitePrizeStore(path: prizes.path) }
      #expect(error?.message.contains("made by a newer version") == true)
      #expect(error?.message.contains(prizes.path) == true)
    }
  }

  @Test func commitsToDiskThroughAWriteAheadLog() async throws {
    try await Fixture.with { (prizes) async throws in
      let settings = try await prizes.sqlite.settings()
      #expect(
        settings == [
          "journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "wal_autocheckpoint": "4000",
          "cell_size_check": "1",
        ])
    }
  }

  @Test(arguments: [
    (ResultCode.SQLITE_BUSY, ErrorKind.unavailable), (.SQLITE_BUSY_SNAPSHOT, .unavailable),
    (.SQLITE_LOCKED, .unavailable), (.SQLITE_IOERR_FSYNC, .unavailable), (.SQLITE_FULL, .unavailable),
    (.SQLITE_CANTOPEN, .unavailable), (.SQLITE_READONLY_DBMOVED, .unavailable), (.SQLITE_PERM, .unavailable),
    (.SQLITE_NOMEM, .unavailable), (.SQLITE_CORRUPT, .unavailable), (.SQLITE_NOTADB, .unavailable),
    (.SQLITE_ERROR, .unavailable),
    (.SQLITE_MISMATCH, .unavailable), (.SQLITE_CONSTRAINT_CHECK, .unexpected), (.SQLITE_TOOBIG, .unexpected),
  ])
  func tellsWhatPassesFromWhatDoesNot(_ code: ResultCode, _ kind: ErrorKind) {
    let error = PrizeStoreError(
      DatabaseError(resultCode: code, message: "cause", sql: "SELECT 'secret'"), path: "/data/prizes.db")
    #expect(error.kind == kind)
    #expect(error.description.hasPrefix("the prize database failed: /data/prizes.db: cause; "))
    #expect(!error.description.contains("secret"))
  }
}
