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
    for number in 0..<Self.documents {
      let bytes = JSONDocuments.plain.indices.contains(number) ? JSONDocuments.plain[number] : documents.next()
      let body = String(validating: bytes, as: UTF8.self)
      guard let document = JSONDocument(bytes) else { continue }
      counts.read += 1
      let isJSON =
        body != nil && (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
      // JSONSerialization makes a number of each, and has none for these.
      if !isJSON, body?.contains(/[eE]|\d{30}/) != true {
        Issue.record("Foundation does not read \(body ?? "\(bytes)"); seed \(seed)")
      }
      let text = document.text(of: "string")
      #expect(text == (try? EventDecoder.decodeByFoundation(Text.self, from: bytes).string), "seed \(seed)")
      for sample in samples {
        let ours = sample.ours(document)
        if case .value = ours {
          counts.decoded += 1
          counts.values.insert(sample.name)
        }
        let foundations = sample.foundations(bytes)
        if ours != foundations {
          Issue.record(
            "\(sample.name) of \(body ?? "\(bytes)"): \(difference(ours, foundations)); seed \(seed)")
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

  private struct Text: Decodable { var string: String }

  @Test(
    "what is rare or large is left to Foundation, and decodes as ever",
    arguments: [
      ("[1,2,]", 2), ("\u{FEFF}[1]", 1), ("[" + String(repeating: "1,", count: 20_000) + "1]", 20_001),
    ])
  func leftToFoundation(body: String, count: Int) throws {
    let bytes = Array(body.utf8)
    #expect(JSONDocument(bytes) == nil)
    #expect(try EventDecoder.decode([Int].self, from: bytes).count == count)
  }

  @Test("values can be nested as deep as Foundation lets them", arguments: [64, 65, 512])
  func depth(_ depth: Int) throws {
    let bytes = Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    #expect((JSONDocument(bytes) != nil) == (depth <= 64))
    var list = try EventDecoder.decode(List.self, from: bytes)
    for _ in 1..<depth { list = try #require(list.lists.first) }
    #expect(list.lists.isEmpty)
  }

  private struct List: Decodable {
    var lists: [List]
    init(from decoder: any Decoder) throws { lists = try decoder.singleValueContainer().decode([List].self) }
  }

  @Test("a body that is read keeps its notes short, and one of text alone has hardly any")
  func notes() throws {
    let body = Array(#"{"text":"\#(String(repeating: "x", count: 1_000_000))"}"#.utf8)
    let document = try #require(JSONDocument(body))
    #expect(document.nodes.count == 4)
    #expect(document.text(of: "text")?.utf8.count == 1_000_000)
  }

  private func difference(_ ours: JSONSample.Outcome, _ foundations: JSONSample.Outcome) -> String {
    guard case .value(let ours) = ours, case .value(let foundations) = foundations else {
      return "\(ours), and Foundation's \(foundations)"
    }
    let start = max(0, zip(ours, foundations).prefix { $0 == $1 }.count - 40)
    return "…\(ours.dropFirst(start).prefix(80)), and Foundation's …\(foundations.dropFirst(start).prefix(80))"
  }
}
