import Foundation
import TestSupport
import Testing

@testable import WorkerKit

@Suite("Reading JSON")
struct JSONReaderTests {
  func string(_ json: String) throws -> [UInt8] {
    var reader = JSONReader(Array(json.utf8))
    return try reader.readString()
  }

  @Test("strings agree with Foundation's for any content")
  func agreesWithFoundation() throws {
    let seed = SeededGenerator.drawnSeed
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2000 {
      let scalars = (0..<Int.random(in: 0...40, using: &random)).compactMap { _ in
        Unicode.Scalar(
          UInt32.random(
            in: 0...([0x20, 0x7F, 0x7FF, 0xFFFF, 0x10FFFF].randomElement(using: &random) ?? 0), using: &random))
      }
      let text = String(String.UnicodeScalarView(scalars))
      let json = try JSONSerialization.data(withJSONObject: text, options: .fragmentsAllowed)
      var reader = JSONReader(Array(json))
      #expect(try reader.readString() == Array(text.utf8), "seed \(seed)")
    }
  }

  @Test("a pair of surrogate escapes is one character; a lone one yields invalid UTF-8 that is detected later")
  func surrogates() throws {
    #expect(try string(#""\ud83c\udf81""#) == Array("🎁".utf8))
    for json in [#""\ud83c""#, #""\udf81""#, #""\ud83c\n""#, #""\ud83cx""#, #""\ud83c\ud83c""#] {
      #expect(String(validating: try string(json), as: UTF8.self) == nil, "\(json)")
    }
    #expect(try string(#""\ud800\ud83c\udf81""#).suffix(4) == Array("🎁".utf8)[...])
  }

  @Test("an event's strings are checked: UTF-8 without lone surrogates")
  func checked() throws {
    for json in [#""\ud83c""#, #""\udf81""#, #""\ud83c\n""#, #""\ud83cx""#, #""\ud83c\ud83c""#, #""\ud83c\u0041""#] {
      #expect(throws: JSONReader.SyntaxError.self, "\(json)") { try JSONDocument(Array(json.utf8)) }
    }
    #expect(try JSONDocument(Array(#""\ud83c\udf81""#.utf8)).nodes[0].kind == .escapedString)
    let seed = SeededGenerator.drawnSeed
    var random = SeededGenerator(seed: seed)
    // The first bytes of sequences, those that can follow them, and those that end each range.
    let edges: [UInt8] = [
      0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
      0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 1...5, using: &random)).map { _ in edges.randomElement(using: &random) ?? 0 }
      let isUTF8 = String(validating: bytes, as: UTF8.self) != nil
      #expect(((try? JSONDocument([0x22] + bytes + [0x22])) != nil) == isUTF8, "\(bytes); seed \(seed)")
    }
  }

  @Test(
    "invalid JSON is rejected",
    arguments: [
      "", "\"", "\"\\", #""\x""#, #""\u12""#, #""\u12g4""#, "\"\n\"", "\"\\n\n\"", "\"\\nabc", "\"abcdefgh\\", "{",
      "{\"a\"", "{\"a\":", "{\"a\":1",
      "{\"a\":1,}", "[1,]",
      "[1 2]", "{a:1}", "tru e", "[]]", String(repeating: "[", count: 100_000),
    ])
  func refused(json: String) {
    #expect(throws: JSONReader.SyntaxError.self) {
      var reader = JSONReader(Array(json.utf8))
      try reader.skipValue()
      try reader.finish()
    }
    #expect(throws: JSONReader.SyntaxError.self) { try JSONDocument(Array(json.utf8)) }
  }
}
