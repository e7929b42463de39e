import Foundation
import Testing

@testable import WorkerKit

@Suite("Decoding an event")
struct EventDecoderTests {
  struct Order: Decodable {
    struct Line: Decodable { var amount: Int }
    var lines: [Line]
  }

  func failure<Event: Decodable>(_ type: Event.Type, _ body: [UInt8]) -> EventError? {
    do {
      _ = try EventDecoder.decode(type, from: body)
      return nil
    } catch {
      return error as? EventError
    }
  }

  @Test("a good event decodes; fields that the handler does not know are ignored")
  func good() throws {
    let event = try EventDecoder.decode(Greeting.self, from: Array(#"{"name":"Ada","times":2,"x":null}"#.utf8))
    #expect(event == Greeting(name: "Ada", times: 2))
  }

  @Test(
    "what is wrong with a field is said: its name, what was expected and what came",
    arguments: [
      (#"{"times":1}"#, "name", "the field is missing", "nothing"),
      (#"{"name":null,"times":1}"#, "name", "expected a string, but null came", "null"),
      (#"{"name":7,"times":1}"#, "name", "expected a string, but a number came", "7"),
      (#"{"name":{},"times":1}"#, "name", "expected a string, but an object came", "{}"),
      (#"{"name":"a","times":"5"}"#, "times", "expected a whole number, but a string came", #""5""#),
      (#"{"name":"a","times":true}"#, "times", "expected a whole number, but true or false came", "true"),
      (#"{"name":"a","times":[1]}"#, "times", "expected a whole number, but an array came", "[1]"),
      (
        #"{"name":"a","times":1.5}"#, "times", "expected a whole number of at most 18 digits, but a number came",
        "1.5"
      ),
      (
        #"{"name":"a","times":1e30}"#, "times", "expected a whole number of at most 18 digits, but a number came",
        "1e+30"
      ),
      (#"{"name":"a","times":1,"tags":["x",5]}"#, "tags[1]", "expected a string, but a number came", "5"),
    ])
  func fields(body: String, field: String, message: String, received: String) throws {
    let error = try #require(failure(Greeting.self, Array(body.utf8)))
    #expect(error.kind == .validation)
    #expect(error.field == field)
    #expect(error.message.hasPrefix("\(field): "))
    #expect(error.message.contains(message), "\(error.message)")
    #expect(error.received == received)
  }

  @Test("a field in a list in an object is named by its path")
  func nested() throws {
    let error = try #require(failure(Order.self, Array(#"{"lines":[{"amount":1},{"amount":"2"}]}"#.utf8)))
    #expect(error.field == "lines[1].amount")
  }

  static let deeplyNested = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)

  @Test(
    "a body that is no JSON object is refused",
    arguments: [
      "", "hello", "{", #"{"name":"a","times":1"#, "[]", "5", "null", #""text""#, deeplyNested,
      #"{"name":"\ud800","times":1}"#,
    ])
  func notAnObject(body: String) throws {
    let error = try #require(failure(Greeting.self, Array(body.utf8)))
    #expect(error.kind == .validation)
    #expect(error.message.contains("expected"), "\(error.message)")
  }

  @Test("a body that is not UTF-8 is refused, wherever the broken text stands", arguments: ["name", "unread"])
  func notUTF8(field: String) throws {
    let body = Array(#"{"times":1,"name":"a","\#(field)":""#.utf8) + [0xC0, 0xAF] + Array(#""}"#.utf8)
    let error = try #require(failure(Greeting.self, body))
    #expect(error.kind == .validation)
    #expect(error.message.contains("expected"), "\(error.message)")
  }

  @Test("a date is ISO 8601; a number of seconds since nobody knows when is refused")
  func dates() throws {
    struct Ending: Decodable { var endsAt: Date }
    func decode(_ json: String) throws -> Date {
      let ending = try EventDecoder.decode(Ending.self, from: Array(#"{"endsAt":\#(json)}"#.utf8))
      return ending.endsAt
    }
    #expect(try decode(#""2023-11-14T22:13:20Z""#) == Date(timeIntervalSince1970: 1_700_000_000))
    #expect(try decode(#""2023-11-14T23:13:20.500+01:00""#) == Date(timeIntervalSince1970: 1_700_000_000.5))
    for json in ["1700000000", #""yesterday""#, "null"] {
      #expect {
        _ = try decode(json)
      } throws: {
        ($0 as? EventError)?.field == "endsAt"
      }
    }
    let error = try #require(failure(Ending.self, Array(#"{"endsAt":1700000000}"#.utf8)))
    #expect(error.message == "endsAt: expected a date and time such as 2026-01-31T12:00:00Z, but a number came")
  }

  @Test("an unknown case of an enum does not put what came into the message")
  func unknownCase() throws {
    enum Tier: String, Decodable { case gold }
    struct Prize: Decodable { var tier: Tier }
    let error = try #require(failure(Prize.self, Array(#"{"tier":"bronze"}"#.utf8)))
    #expect(error.message == "tier: expected one of the values that the event allows, but a string came")
    #expect(error.received == #""bronze""#)
  }

  @Test("a key that the producer made up cannot write a line of its own into a log")
  func hostileKey() throws {
    struct Scores: Decodable { var scores: [String: Int] }
    let key = #"a\n2026-01-01 error forged"# + String(repeating: "x", count: 10_000)
    let error = try #require(failure(Scores.self, Array(#"{"scores":{"\#(key)":"1"}}"#.utf8)))
    let field = try #require(error.field)
    #expect(field.hasPrefix("scores.a\u{FFFD}2026-01-01 error forgedx"))
    #expect(field.count < 100)
  }

  @Test("half a million wrong numbers cost no more than three")
  func manyWrongNumbers() throws {
    let numbers = Array(repeating: "1.5", count: 200_000).joined(separator: ",")
    let body = String(repeating: "[", count: 300) + numbers + String(repeating: "]", count: 300)
    let error = try #require(failure(Greeting.self, Array(#"{"name":"a","times":1.5,"x":\#(body)}"#.utf8)))
    #expect(error.message.count < 20_000)
    #expect(error.message.hasPrefix("times or x[0]"))
  }

  @Test("what came is shortened: an event can be a megabyte")
  func shortened() throws {
    let body = #"{"name":["\#(String(repeating: "x", count: 1_000_000))"],"times":1}"#
    let error = try #require(failure(Greeting.self, Array(body.utf8)))
    #expect(try #require(error.received).count < 100)
    #expect(error.message.count < 200)
  }
}
