import Foundation
import TestSupport
import Testing

@testable import WorkerKit

@Suite("The worker's own JSON decoder", .timeLimit(.minutes(20)))
struct JSONValueDecoderTests {
  /// For more documents: `JSON_DOCUMENTS=100000 swift test --filter JSONValueDecoderTests`.
  static let documents = ProcessInfo.processInfo.environment["JSON_DOCUMENTS"].flatMap { Int($0) } ?? 300

  @Test("it accepts what Foundation accepts as UTF-8 and JSON, and decodes each type to the same value or to none")
  func likeFoundation() throws {
    let seed = SeededGenerator.drawnSeed
    var documents = JSONDocuments(random: SeededGenerator(seed: seed))
    let samples = JSONSample.all
    var counts = (read: 0, decoded: 0, values: Set<String>())
    for number in 0..<Self.documents {
      let bytes = JSONDocuments.plain.indices.contains(number) ? JSONDocuments.plain[number] : documents.next()
      let body = String(validating: bytes, as: UTF8.self)
      guard let document = try? JSONDocument(bytes), !hasRepeatedNames(document) else { continue }
      counts.read += 1
      let isJSON =
        body != nil && (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
      // JSONSerialization converts each to a number, and has none for these.
      if !isJSON, body?.contains(/[eE]|\d{30}/) != true {
        Issue.record("Foundation does not read \(body ?? "\(bytes)"); seed \(seed)")
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

  /// A mutation can copy a member.
  private func hasRepeatedNames(_ document: JSONDocument) -> Bool {
    document.nodes.indices.contains { index in
      let node = document.nodes[index]
      return node.kind == .object && document.members(of: index).count < node.count
    }
  }

  @Test(
    "of a name that an object has twice, the last value counts, as JSONSerialization reads it",
    arguments: [
      #"{"a":1,"a":2}"#, #"{"a":1,"b":5,"\u0061":2}"#, #"{"caf\u00e9":1,"cafe\u0301":2}"#,
      #"{"x":{"a":1},"x":{"a":2}}"#,
      #"{"":1,"":2}"#, #"{"a":1,"a":2,"a":3}"#,
      "{" + (0..<40).map { #""k\#($0 % 20)":\#($0)"# }.joined(separator: ",") + "}",
    ])
  func repeatedNames(body: String) throws {
    let document = try JSONDocument(Array(body.utf8))
    let ours = try JSONValueDecoder(document).decode(Tree.self).plain as? NSDictionary
    #expect(ours == (try JSONSerialization.jsonObject(with: Data(body.utf8)) as? NSDictionary))
    let container = try JSONValueDecoder(document).container(keyedBy: JSONKey.self)
    #expect(Set(container.allKeys.map(\.stringValue)).count == container.allKeys.count)
    for key in container.allKeys {
      #expect(try container.decode(Tree.self, forKey: key).plain as? NSObject == ours?[key.stringValue] as? NSObject)
    }
  }

  @Test(
    "JSON of other dialects and encodings is rejected",
    arguments: [
      ("[1,2,]", "line 1, column 6 is where it stops being JSON"),
      (#"{"a":1,}"#, "line 1, column 8 is where it stops being JSON"),
      ("\u{FEFF}[1]", "line 1, column 1 is where it stops being JSON, with a byte order mark"),
      ("[1] // one", "line 1, column 5 is where it stops being JSON"),
      ("[\u{0}1\u{0}]\u{0}", "line 1, column 2 is where it stops being JSON"),
      ("[NaN]", "line 1, column 2 is where it stops being JSON"),
      ("['a']", "line 1, column 2 is where it stops being JSON"),
    ])
  func dialects(body: String, explanation: String) {
    #expect {
      try EventDecoder.decode([Int].self, from: Array(body.utf8))
    } throws: { error in
      (error as? EventError)?.message == "the body is not JSON: \(explanation); expected a JSON object"
    }
  }

  @Test("a body of many values is decoded, and its notes are not kept")
  func manyValues() throws {
    let body = EventBody(Array(("[" + String(repeating: "1,", count: 20_000) + "1]").utf8))
    #expect(body.keptDocument == nil)
    #expect(try EventDecoder.decode([Int].self, from: body).count == 20_001)
    #expect(EventBody(Array("[1]".utf8)).keptDocument != nil)
  }

  static func nested(_ depth: Int) -> [UInt8] {
    Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
  }

  @Test("values can be nested as deeply as Foundation allows", arguments: [64, 65, 512])
  func depth(_ depth: Int) throws {
    var list = try EventDecoder.decode(List.self, from: Self.nested(depth))
    for _ in 1..<depth { list = try #require(list.lists.first) }
    #expect(list.lists.isEmpty)
  }

  @Test("values that are nested more deeply are rejected")
  func tooDeep() {
    #expect {
      try EventDecoder.decode(List.self, from: Self.nested(513))
    } throws: { error in
      (error as? EventError)?.message.contains("it is nested more than 512 deep") == true
    }
  }

  @Test("a body of any depth can be read on a small stack")
  func stack() async throws {
    let read = await withCheckedContinuation { continuation in
      let thread = Thread {
        let objects = Array((String(repeating: #"{"a":"#, count: 512) + "1" + String(repeating: "}", count: 512)).utf8)
        continuation.resume(returning: [Self.nested(512), objects].map { (try? JSONDocument($0))?.nodes.count })
      }
      // A half of the smallest that a thread of the pool has on any platform.
      thread.stackSize = 256 << 10
      thread.start()
    }
    #expect(read == [513, 1026])
  }

  private struct List: Decodable {
    var lists: [List]
    init(from decoder: any Decoder) throws { lists = try decoder.singleValueContainer().decode([List].self) }
  }

  @Test("the index of a parsed body is small, and that of a body of mostly text is minimal")
  func notes() throws {
    let body = Array(#"{"text":"\#(String(repeating: "x", count: 1_000_000))"}"#.utf8)
    let document = try JSONDocument(body)
    #expect(document.nodes.count == 4)
    #expect(try EventDecoder.decode([String: String].self, from: body)["text"]?.utf8.count == 1_000_000)
  }

  private func difference(_ ours: JSONSample.Outcome, _ foundations: JSONSample.Outcome) -> String {
    guard case .value(let ours) = ours, case .value(let foundations) = foundations else {
      return "\(ours), and Foundation's \(foundations)"
    }
    let start = max(0, zip(ours, foundations).prefix { $0 == $1 }.count - 40)
    return "…\(ours.dropFirst(start).prefix(80)), and Foundation's …\(foundations.dropFirst(start).prefix(80))"
  }
}
