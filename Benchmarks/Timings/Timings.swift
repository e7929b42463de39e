import Benchmark
import Foundation
import HotPieces
import WorkerKit
import WorkerLocks

// How long each hot piece takes, and how much of the processors: in thousands of runs, for a processor's time is counted in
// hundredths of a second.
let benchmarks: @Sendable () -> Void = {
  for piece in HotPiece.all {
    let prepared = Mutex<HotPiece.Run?>(nil)
    let folder = scratchFolder(for: piece)
    Benchmark(
      piece.name,
      configuration: .init(
        metrics: [.wallClock, .cpuTotal, .throughput], scalingFactor: .kilo, maxDuration: .seconds(5)),
      closure: { (benchmark: Benchmark) async throws -> Void in
        switch prepared.withLock({ $0 }) {
        case .synchronous(let run): for _ in benchmark.scaledIterations { try run() }
        case .asynchronous(let run): for _ in benchmark.scaledIterations { try await run() }
        case nil: benchmark.error("\(piece.name) is not prepared")
        }
      },
      setup: {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        let run = try await piece.prepare(HotPiece.Surroundings(folder: folder.path, clock: .continuous))
        prepared.withLock { $0 = run }
      },
      teardown: {
        prepared.withLock { $0 = nil }
        try FileManager.default.removeItem(at: folder)
      })
  }
}

/// In memory where that can be had: a disk's waits are not the worker's work.
private func scratchFolder(for piece: HotPiece) -> URL {
  let memory = URL(fileURLWithPath: "/dev/shm")
  let parent =
    FileManager.default.isWritableFile(atPath: memory.path) ? memory : FileManager.default.temporaryDirectory
  return parent.appendingPathComponent("\(piece.name)-\(UUID().uuidString)")
}
