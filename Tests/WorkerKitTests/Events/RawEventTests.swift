import Testing

@testable import WorkerKit

@Suite("An event that is passed on unchanged")
struct RawEventTests {
  @Test(
    "its bytes are the body's",
    arguments: [
      #"{"eventType":"A"}"#, "\n { \"eventType\" : \"A\" ,\t\"n\": 1.50 } \n",
      #"{"eventType":"A","text":"\u00e9 é 🎁"}"#,
      #"{"eventType":"A","n":123456789012345678901234567890}"#,
      // More than is kept.
      #"{"eventType":"A","list":["# + Array(repeating: "0", count: 20_000).joined(separator: ",") + "]}",
      #"{"eventType":"A","deep":"# + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + "}",
    ])
  func bytes(body: String) throws {
    #expect(try EventDecoder.decode(RawEvent.self, from: Array(body.utf8)).body == Array(body.utf8))
  }

  @Test(
    "JSON that Foundation accepts and other parsers do not is rejected",
    arguments: [#"{"eventType":"A",}"#, "\u{FEFF}{\"eventType\":\"A\"}"])
  func foreign(body: String) {
    #expect {
      try EventDecoder.decode(RawEvent.self, from: Array(body.utf8))
    } throws: { error in
      (error as? EventError)?.kind == .validation && "\(error)".contains("the body is not JSON")
    }
  }

  @Test("its schema accepts any event")
  func schema() {
    let schema = RouteSchema("A", EventSchema(of: RawEvent.self))
    #expect(schema.gap == nil)
    #expect(schema.document["type"] == "object")
    #expect(schema.document["required"] == ["eventType"])
    #expect(schema.example == ["eventType": "A"])
  }

  @Test("it cannot be a part of another event")
  func part() {
    struct Whole: Decodable { let part: RawEvent }
    #expect(throws: EventError.self) { try EventDecoder.decode(Whole.self, from: Array(#"{"part":{}}"#.utf8)) }
  }
}
