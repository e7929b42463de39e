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

  func validate() throws {
    guard grants > 0, rounds > 0 else { throw ValidationError("--grants and --rounds must be at least 1") }
  }

  func run() async throws {
    let folder = URL(filePath: folder).appending(path: "grant-benchmark-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    let figures: Figures
    do {
      figures = try await measure(in: folder)
    } catch {
      try? FileManager.default.removeItem(at: folder)
      throw error
    }
    try FileManager.default.removeItem(at: folder)
    figures.show()
  }

  private func measure(in folder: URL) async throws -> Figures {
    let contenders: [any Contender] = try await [
      BareSQLite(file: folder.appending(path: "bare.db")), PrizeGrants(file: folder.appending(path: "prizes.db")),
    ]
    var figures = Figures()
    for round in 1...rounds {
      figures.add(try SyncTime.measure(in: folder))
      for batch in Figures.batches {
        for contender in contenders {
          let bodies = (0..<grants).map { contender.body(round: round, batch: batch, number: $0) }
          let clock = ContinuousClock()
          let time = try await clock.measure {
            for start in stride(from: 0, to: grants, by: batch) {
              try await contender.commit(bodies[start..<min(start + batch, grants)])
            }
          }
          figures.add(Double(grants) / (time / .seconds(1)), of: contender.name, batch: batch)
        }
      }
    }
    for contender in contenders { try contender.check(count: rounds * grants * Figures.batches.count) }
    return figures
  }
}

/// Something that commits rows, a batch in a transaction.
protocol Contender {
  var name: String { get }

  /// What one row is made of; different each time.
  func body(round: Int, batch: Int, number: Int) -> String

  /// Returns when all of them are on the disk.
  func commit(_ bodies: ArraySlice<String>) async throws

  /// - Throws: where not all is there.
  func check(count: Int) throws
}

struct BenchmarkError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
