import WorkerKit

/// Copies a prize database to another one, of any kind: catalog, accounts, prizes, keys of handled events, ledger.
///
/// The target says how far it is, in the transaction of each batch, so that a copy that was killed goes on where it was. Until the end,
/// no worker uses the target.
struct PrizeCopy {
  private static let batch = 2_000

  let source: any CopySource
  let target: any CopyTarget
  /// Names for people, without passwords.
  let sourceName: String
  let targetName: String
  /// Called from time to time.
  let report: (String) -> Void

  /// - Returns: How many rows each table has.
  func run() throws -> [(table: String, rows: Int)] {
    let totals = try CopyTable.all.map { try source.totals(of: $0) }
    var done = try target.begin(from: sourceName)
    var counts: [(table: String, rows: Int)] = []
    do {
      counts = try copy(totals: totals, done: done)
    } catch is SourceHasChanged {
      report("\(sourceName) has changed since the copy began: it begins anew")
      try target.clear()
      done = try target.begin(from: sourceName)
      counts = try copy(totals: totals, done: done)
    }
    try check(totals)
    try target.finish()
    return counts
  }

  private struct SourceHasChanged: Error {}

  private func copy(totals: [[String]], done: [String: CopyProgress]) throws -> [(table: String, rows: Int)] {
    var counts: [(table: String, rows: Int)] = []
    for (table, total) in zip(CopyTable.all, totals) {
      counts.append((table.name, try copy(table, total: total[0], done: done[table.name] ?? CopyProgress())))
    }
    return counts
  }

  /// Reads what was copied before as well, and copies the rest.
  private func copy(_ table: CopyTable, total: String, done: CopyProgress) throws -> Int {
    var progress = CopyProgress()
    var key: [String?]?
    var said = ContinuousClock.now
    report("\(table.name): \(done.rows) of \(total) rows")
    while true {
      let limit = progress.rows < done.rows ? min(Self.batch, done.rows - progress.rows) : Self.batch
      let rows = try source.rows(of: table, after: key, limit: limit)
      guard let last = rows.last else { break }
      key = Array(last.prefix(table.keyCount))
      let before = progress
      for row in rows { progress.add(row) }
      if before.rows >= done.rows { try target.append(rows, to: table, from: before, to: progress) }
      if progress.rows == done.rows, progress != done { throw SourceHasChanged() }
      if ContinuousClock.now - said > .seconds(1) {
        said = .now
        report("\(table.name): \(progress.rows) of \(total) rows")
      }
    }
    guard progress.rows >= done.rows else { throw SourceHasChanged() }
    return progress.rows
  }

  private func check(_ totals: [[String]]) throws {
    for (table, expected) in zip(CopyTable.all, totals) {
      let found = try target.totals(of: table)
      let labels = table.totals { $0 }.map(\.label)
      for (label, (expected, found)) in zip(labels, zip(expected, found)) where expected != found {
        throw PrizeStoreError(
          kind: .conflict,
          message:
            "the copy is not like its source: \(table.name), \(label): \(expected) in \(sourceName), \(found) in "
            + "\(targetName); see that nothing else writes to it, empty it, and copy again",
          database: targetName)
      }
    }
  }
}
