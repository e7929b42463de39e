import Foundation
import TestSupport
import Testing

@testable import WorkerKit

@Suite("Writing requests")
struct JSONWriterTests {
  @Test("Foundation reads any text unchanged")
  func anyText() throws {
    let seed = SeededGenerator.drawnSeed
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2000 {
      let text = Self.text(using: &random)
      var json = JSONWriter()
      json.array { $0.write(text) }
      #expect(try JSONDecoder().decode([String].self, from: Data(json.bytes)) == [text], "seed \(seed)")
      var reader = JSONReader(json.bytes)
      var read: [UInt8] = []
      try reader.readArray { read = try $0.readString() }
      #expect(read == Array(text.utf8), "seed \(seed)")
    }
  }

  @Test("each of the characters that JSON must escape is read back unchanged", arguments: 0..<0x80)
  func ascii(code: UInt8) throws {
    let text = "a\(UnicodeScalar(code))\(UnicodeScalar(code))z"
    var json = JSONWriter()
    json.object { $0.member(text, text) }
    #expect(try JSONDecoder().decode([String: String].self, from: Data(json.bytes)) == [text: text])
  }

  @Test("characters that must be escaped are found at any position among any neighbors")
  func special() {
    let seed = SeededGenerator.drawnSeed
    var random = SeededGenerator(seed: seed)
    func isSpecial(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x22 || byte == 0x5C }
    let edges: [UInt8] = [0x00, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F, 0x80, 0x9F, 0xA2, 0xDC, 0xFF]
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in
        Bool.random(using: &random) ? 0x61 : edges.randomElement(using: &random) ?? 0
      }
      let start = Int.random(in: 0...bytes.count, using: &random)
      let expected = bytes[start...].firstIndex(where: isSpecial) ?? bytes.count
      #expect(JSONText.endOfPlain(bytes.span, from: start) == expected, "\(bytes) from \(start), seed \(seed)")
      let ascii = bytes[start...].firstIndex { isSpecial($0) || $0 >= 0x80 } ?? bytes.count
      #expect(
        JSONText.endOfPlain(bytes.span, from: start, stopsBeyondASCII: true) == ascii,
        "\(bytes) from \(start), seed \(seed)")
      let place = Int.random(in: 0...start, using: &random)
      var copy = [UInt8](repeating: 0xEE, count: bytes.count)
      var span = copy.mutableSpan
      let end = JSONText.copyPlain(bytes.span, from: start, to: &span, at: place)
      #expect(end == expected, "\(bytes) from \(start), seed \(seed)")
      #expect(copy[place..<place + expected - start] == bytes[start..<expected], "\(bytes) from \(start), seed \(seed)")
      #expect(copy[..<place].allSatisfy { $0 == 0xEE }, "seed \(seed)")
    }
  }

  @Test(
    "an integer is parsed from digits only, and only if it fits",
    arguments: [
      ("0", 0), ("7", 7), ("-12", -12), ("007", 7), ("999999999999999999", 999_999_999_999_999_999),
      ("-999999999999999999", -999_999_999_999_999_999), ("1000000000000000000", nil), ("", nil), ("-", nil),
      ("-0", nil),
      ("+1", nil), ("1.0", nil), ("1e3", nil), (" 1", nil), ("1 ", nil), ("--1", nil), ("1/", nil), ("1:", nil),
    ] as [(String, Int64?)])
  func integer(text: String, expected: Int64?) {
    #expect(JSONText.integer(Array(text.utf8)[...]) == expected)
  }

  @Test("objects, arrays and numbers are separated as in JSON, and nil is omitted")
  func structure() {
    var json = JSONWriter()
    json.object {
      $0.member("none", nil as String?)
      $0.member("some", "1" as String?)
      $0.member("numbers", -2)
      $0.name("empty")
      $0.object { _ in }
      $0.member("texts", ["a", "b"])
      $0.name("objects")
      $0.array { json in for number in 1...2 { json.object { $0.member("n", number) } } }
      $0.member("last", [])
    }
    #expect(
      String(decoding: json.bytes, as: UTF8.self)
        == #"{"some":"1","numbers":-2,"empty":{},"texts":["a","b"],"objects":[{"n":1},{"n":2}],"last":[]}"#)
  }

  private static func text(using random: inout SeededGenerator) -> String {
    let scalars = (0..<Int.random(in: 0...40, using: &random)).compactMap { _ in
      let limit: UInt32 = [0x20, 0x7F, 0x7FF, 0xFFFF, 0x10FFFF].randomElement(using: &random) ?? 0
      return Unicode.Scalar(UInt32.random(in: 0...limit, using: &random))
    }
    return String(String.UnicodeScalarView(scalars))
  }
}
