import CoreMetrics
import Foundation
import Logging
import TestSupport
import Testing

@testable import WorkerKit
@testable import WorkerTelemetry

/// What Prometheus's own client reads in an exposition is what was recorded.
@Suite("Expositions as Prometheus's client reads them")
struct ExpositionReadingTests {
  struct Sample: Hashable, Decodable {
    var name: String
    var labels: [String: String]
    var value: String
  }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  /// As it stands: resolved, it would be the interpreter outside of the environment.
  static let python = (0..<3).reduce(folder) { folder, _ in folder.deletingLastPathComponent() }
    .appendingPathComponent(".venv/bin/python")

  static let values = ["", "a", "A b", "\"", "\\", "\\n", "\n", "\r\n", "\u{2028}", "é🎁", "{}=,", " x ", "#", "\t"]

  @Test(
    "at random, in both formats",
    .enabled(
      if: FileManager.default.isExecutableFile(atPath: python.path), "needs .venv, which `make test-swift` makes"),
    arguments: ["prometheus", "openmetrics"])
  func random(format: String) async throws {
    let seed = SeededGenerator.drawnSeed
    print("seed \(seed)")
    var generator = SeededGenerator(seed: seed)
    let bounds = [0.005, 0.5, 1, 2.5, 1e6]
    let metrics = PrometheusMetrics(
      describing: [
        .init(label: "a.timer", kind: .timer, help: "\\ \"quoted\"\nand broken", buckets: bounds),
        .init(label: "a.size", kind: .histogram, help: "é", buckets: bounds),
      ], logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    var counters: [[String: String]: Double] = [:]
    var gauges: [[String: String]: Double] = [:]
    var sizes: [[String: String]: [Double]] = [:]
    var times: [[String: String]: [Double]] = [:]
    for _ in 0..<600 {
      let dimensions = ["x", "y"].compactMap { name in Self.values.randomElement(using: &generator).map { (name, $0) } }
      let labels = Dictionary(uniqueKeysWithValues: dimensions.filter { !$0.1.isEmpty })
      // Not zero: less than nothing of it is written as zero, too, and is another text.
      let amount = Double(Int.random(in: 1...4_000, using: &generator)) / 8
      FloatingPointCounter(label: "a.count", dimensions: dimensions, factory: metrics).increment(by: amount)
      counters[labels, default: 0] += amount
      let level = [amount, -amount, .infinity, -.infinity, 1e-300, 1e300].randomElement(using: &generator) ?? 0
      Gauge(label: "a.level", dimensions: dimensions, factory: metrics).record(level)
      gauges[labels] = level
      Recorder(label: "a.size", dimensions: dimensions, aggregate: true, factory: metrics).record(amount)
      sizes[labels, default: []].append(amount)
      Timer(label: "a.timer", dimensions: dimensions, factory: metrics).recordNanoseconds(Int64(amount * 1e9))
      times[labels, default: []].append(amount)
    }
    var expected: Set<Sample> = []
    func expect(_ name: String, _ labels: [String: String], _ value: Double) {
      expected.insert(Sample(name: name, labels: labels, value: Self.text(value)))
    }
    for (labels, value) in counters { expect("a_count_total", labels, value) }
    for (labels, value) in gauges { expect("a_level", labels, value) }
    for (name, distributions) in [("a_size", sizes), ("a_timer_seconds", times)] {
      for (labels, all) in distributions {
        for bound in bounds + [.infinity] {
          let le = bound == .infinity ? "+Inf" : Self.text(bound)
          expect("\(name)_bucket", labels.merging(["le": le]) { $1 }, Double(all.filter { $0 <= bound }.count))
        }
        expect("\(name)_sum", labels, all.reduce(0, +))
        expect("\(name)_count", labels, Double(all.count))
      }
    }
    let accept = format == "openmetrics" ? "application/openmetrics-text" : nil
    let read = try await read(metrics.exposition(accepting: accept).text, format).filter { $0.name.hasPrefix("a_") }
    #expect(Set(read).count == read.count, "seed \(seed)")
    // What differs, and not thousands that do not.
    #expect(Set(read).symmetricDifference(expected) == [], "seed \(seed)")
  }

  /// As Python writes a number.
  private static func text(_ value: Double) -> String {
    value.isInfinite ? (value < 0 ? "-inf" : "inf") : "\(value)"
  }

  private func read(_ text: String, _ format: String) async throws -> [Sample] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("exposition-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let exposition = folder.appendingPathComponent("exposition.txt")
    let samples = folder.appendingPathComponent("samples.json")
    try Data(text.utf8).write(to: exposition)
    let python = try await runProcess(
      Self.python.path,
      [Self.folder.appendingPathComponent("read_exposition.py").path, format, exposition.path, samples.path])
    #expect(python.status == 0, "\(python.errors)")
    return try JSONDecoder().decode([Sample].self, from: Data(contentsOf: samples)).map { sample in
      var sample = sample
      // The two languages write some numbers differently.
      sample.value = Double(sample.value).map(Self.text) ?? sample.value
      if let le = sample.labels["le"], le != "+Inf" { sample.labels["le"] = Double(le).map(Self.text) ?? le }
      return sample
    }
  }
}
