import Foundation
import TestSupport
import Testing

@testable import WorkerKit

@Suite("The worker's own JSON decoder", .timeLimit(.minutes(10)))
struct JSONValueDecoderTests {
  /// More of them: `JSON_DOCUMENTS=100000 swift test --filter JSONValueDecoderTests`.
  static let documents = ProcessInfo.processInfo.environment["JSON_DOCUMENTS"].flatMap { Int($0) } ?? 300

  @Test("what it reads is UTF-8 and JSON to Foundation, and each type decodes to the same value or to none as well")
  func likeFoundation() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var documents = JSONDocuments(random: SeededGenerator(seed: seed))
    let samples = JSONSample.all
    var counts = (read: 0, decoded: 0, values: Set<String>())
    for _ in 0..<Self.documents {
      let bytes = documents.next()
      let text = String(validating: bytes, as: UTF8.self)
      guard let document = JSONDocument(bytes) else { continue }
      counts.read += 1
      let isJSON =
        text != nil && (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
      // JSONSerialization makes a number of each, and has none for these.
      if !isJSON, text?.contains(/[eE]|\d{30}/) != true {
        Issue.record("Foundation does not read \(text ?? "\(bytes)"); seed \(seed)")
      }
      for sample in samples {
        let ours = sample.ours(document)
        if case .value = ours {
          counts.decoded += 1
          counts.values.insert(sample.name)
        }
        let foundations = sample.foundations(bytes)
        if ours != foundations {
          Issue.record(
            "\(sample.name) of \(text ?? "\(bytes)"): \(difference(ours, foundations)); seed \(seed)")
          return
        }
      }
    }
    #expect(
      counts.read > Self.documents / 4, "most of what is tried must not be refused at its first byte; seed \(seed)")
    #expect(counts.decoded > Self.documents / 2, "seed \(seed)")
    let never = Set(samples.map(\.name)).subtracting(counts.values)
    #expect(never.isEmpty, "never decoded; seed \(seed)")
  }

  private func difference(_ ours: JSONSample.Outcome, _ foundations: JSONSample.Outcome) -> String {
    guard case .value(let ours) = ours, case .value(let foundations) = foundations else {
      return "\(ours), and Foundation's \(foundations)"
    }
    let start = max(0, zip(ours, foundations).prefix { $0 == $1 }.count - 40)
    return "…\(ours.dropFirst(start).prefix(80)), and Foundation's …\(foundations.dropFirst(start).prefix(80))"
  }
}
