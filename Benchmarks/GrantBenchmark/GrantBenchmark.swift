import ArgumentParser
import Foundation

/// Durable grants a second, one in a transaction and several, beside what SQLite and the disk themselves can do.
///
/// Everything is in files of one folder, and takes turns, so that whatever else the machine does slows down all alike.
@main struct GrantBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "GrantBenchmark",
    abstract: "Measure durable prize grants, one in a transaction and several, beside SQLite's own limit.")

  @Option(help: "On whose disk: a folder that exists.")
  var folder = "."

  @Option(help: "How many grants each round makes of a kind.")
  var grants = 3_000

  @Option(help: "A figure is the median of so many rounds.")
  var rounds = 5

  @Option(
    help:
      "Measure grants in this PostgreSQL database, and in SQLite beside it, a line for each: store, batch, grants a second, CPU time a grant in µs."
  )
  var postgres: String?

  func validate() throws {
    guard grants > 0, rounds > 0 else { throw ValidationError("--grants and --rounds must be at least 1") }
  }

  func run() async throws {
    let folder = URL(filePath: folder).appending(path: "grant-benchmark-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    let figures: Figures?
    do {
      if let postgres {
        try await measure(postgres, beside: folder)
        figures = nil
      } else {
        figures = try await measure(in: folder)
      }
    } catch {
      try? FileManager.default.removeItem(at: folder)
      throw error
    }
    try FileManager.default.removeItem(at: folder)
    figures?.show()
  }

  private func measure(_ uri: String, beside folder: URL) async throws {
    let stores = [
      ("postgresql", try await PrizeGrants(postgres: uri)),
      ("sqlite", try await PrizeGrants(file: folder.appending(path: "prizes.db"))),
    ]
    for _ in 1...rounds {
      for batch in Figures.batches where batch <= 250 {
        for (name, store) in stores {
          let before = cpuTime()
          let rate = try await rate(of: store, batch: batch)
          print("\(name)\t\(batch)\t\(rate)\t\((cpuTime() - before) / Double(grants) * 1_000_000)")
        }
      }
    }
  }

  /// Of the process, in seconds; decoding of the events is in it, on both stores.
  private func cpuTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
  }

  private func measure(in folder: URL) async throws -> Figures {
    let bare = try BareSQLite(file: folder.appending(path: "bare.db"))
    let statements = try await GrantStatements(file: folder.appending(path: "statements.db"))
    let withoutLedger = try await GrantStatements(file: folder.appending(path: "no-ledger.db"), hasLedger: false)
    let prizes = try await PrizeGrants(file: folder.appending(path: "prizes.db"))
    var figures = Figures()
    for _ in 1...rounds {
      figures.add(try SyncTime.measure(in: folder))
      for batch in Figures.batches {
        figures.add(try await rate(of: bare, batch: batch), of: bare.name, batch: batch)
        figures.add(try await rate(of: withoutLedger, batch: batch), of: withoutLedger.name, batch: batch)
        figures.add(try await rate(of: statements, batch: batch), of: statements.name, batch: batch)
        figures.add(try await rate(of: prizes, batch: batch), of: prizes.name, batch: batch)
      }
    }
    try bare.check(count: rounds * grants * Figures.batches.count)
    try statements.check(count: rounds * grants * Figures.batches.count)
    try prizes.check(count: rounds * grants * Figures.batches.count)
    return figures
  }

  /// Grants a second.
  private func rate<C: Contender>(of contender: C, batch: Int) async throws -> Double {
    let grants = try (0..<grants).map { try contender.grant(number: $0) }
    let time = try await ContinuousClock().measure {
      for start in stride(from: 0, to: grants.count, by: batch) {
        try await contender.commit(Array(grants[start..<min(start + batch, grants.count)]))
      }
    }
    return Double(grants.count) / (time / .seconds(1))
  }
}

/// Something that commits grants, a batch in a transaction.
protocol Contender<Grant> {
  associatedtype Grant

  var name: String { get }

  /// Made before the time is taken. Another grant each time, to one of a thousand users.
  func grant(number: Int) throws -> Grant

  /// Returns when all of them are on the disk.
  func commit(_ grants: [Grant]) async throws

  /// - Throws: where not all is there.
  func check(count: Int) throws
}

struct BenchmarkError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
