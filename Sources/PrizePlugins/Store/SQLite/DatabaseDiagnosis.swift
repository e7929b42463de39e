import Foundation
import GRDB
import WorkerKit

/// Looks at a prize database that may not be there, or not be one: what would happen if the worker started now.
struct DatabaseDiagnosis {
  /// What is in the file.
  private struct Contents {
    var isNewer: Bool
    /// The steps that it lacks.
    var missing: [String]
    var hasTables: Bool
    var counts: ImportCounts?
    /// When the event was handled whose key is the oldest.
    var oldestKey: Date?
  }

  let database: SQLiteFile
  /// How long the keys of handled events are kept.
  let keyAge: Duration
  private var path: String { database.path }

  func findings() async -> [Finding] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return [missingFile()] }
    guard !isDirectory.boolValue else {
      return [.wrong("\(database) is a folder; name a file in plugins.prizes.database (PRIZE_DATABASE)")]
    }
    do {
      return try await findings(on: try await contents())
    } catch let error as DatabaseError {
      return [.wrong(PrizeStoreError(error, path: path, opening: true).message)]
    } catch {
      return [.wrong("\(error)")]
    }
  }

  private func missingFile() -> Finding {
    let folder = URL(filePath: path).deletingLastPathComponent().path
    guard FileManager.default.fileExists(atPath: folder) else {
      return .wrong("\(database): its folder does not exist", remedy: "mkdir -p '\(folder)'")
    }
    guard FileManager.default.isWritableFile(atPath: folder) else {
      return .wrong(
        "\(database): there is no such file, and the folder may not be written by this user",
        remedy: "sudo chown \(NSUserName()) '\(folder)'")
    }
    return .warning(
      "\(database): the file does not exist; the worker creates it when it starts, without a catalog",
      remedy: "worker prizes import catalog.yaml")
  }

  private func contents() async throws -> Contents {
    try await database.inspect { db in
      let migrator = PrizeSchema.migrator
      let applied = try migrator.appliedIdentifiers(db)
      let missing = migrator.migrations.filter { !applied.contains($0) }
      return Contents(
        isNewer: try migrator.hasBeenSuperseded(db), missing: missing,
        hasTables: try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM sqlite_master)") ?? false,
        counts: missing.isEmpty ? try Self.counts(db) : nil,
        oldestKey: missing.isEmpty ? try Self.oldestKey(db) : nil)
    }
  }

  private static func oldestKey(_ db: Database) throws -> Date? {
    let text = try String.fetchOne(db, sql: "SELECT min(handled_at) FROM handled_events")
    return try text.map { try Date($0, strategy: .iso8601) }
  }

  private static func counts(_ db: Database) throws -> ImportCounts {
    func count(_ table: String) throws -> Int { try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0 }
    return ImportCounts(
      communities: try count("communities"), itemTypes: try count("item_types"), characters: try count("characters"),
      accounts: try count("linked_accounts"))
  }

  private func findings(on contents: Contents) async throws -> [Finding] {
    guard !contents.isNewer else { return [.wrong(PrizeStoreError.newerVersion(database: path).message)] }
    guard let counts = contents.counts else {
      return [
        contents.hasTables
          ? .warning(
            "\(database): its tables lack \(contents.missing.joined(separator: ", ")), which the worker adds when it "
              + "starts; older workers cannot use it then, so keep a copy",
            remedy: "sqlite3 '\(path)' \".backup '\(path).before'\"")
          : .warning(
            "\(database): the file is empty; the worker creates its tables when it starts, without a catalog",
            remedy: "worker prizes import catalog.yaml")
      ]
    }
    let schema = PrizeSchema.migrator.migrations.last ?? ""
    let catalog: Finding =
      counts.communities == 0 && counts.characters == 0
      ? .warning(
        "\(database): the catalog is empty, so no guild has a community and every award ends as notFound",
        remedy: "worker prizes import catalog.yaml")
      : .ok("\(database): the catalog has \(counts)")
    let keys = contents.oldestKey.flatMap {
      KeyPruning.finding(oldestKeyIs: .seconds(Date().timeIntervalSince($0)), keptFor: keyAge, in: "\(database)")
    }
    return [.ok("\(database): its tables are \(schema), those of this worker"), catalog] + [keys].compactMap { $0 }
      + [await health()]
  }

  /// As the worker asks for it. Where the tables are this worker's, opening the store changes nothing.
  private func health() async -> Finding {
    do {
      // All of it, which the worker's own check is too quick for.
      let damage = try await database.inspect { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") }
      guard damage == "ok" else {
        return .wrong(
          "\(database) is damaged: \(damage ?? "")", remedy: "cp BACKUP '\(path)'    # with the worker stopped")
      }
      let store = try await SQLitePrizeStore(path: path)
      try await store.checkHealth()
      // Not left to the last reference, which the thread of the check may hold while the process exits: the write-ahead log's
      // files would stay.
      store.close()
      return .ok("\(database): prizes can be written")
    } catch {
      return .wrong("\(error)")
    }
  }
}
