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

  @Test("a valid event decodes; unknown fields are ignored")
  func good() throws {
    let event = try EventDecoder.decode(Greeting.self, from: Array(#"{"name":"Ada","times":2,"x":null}"#.utf8))
    #expect(event == Greeting(name: "Ada", times: 2))
  }

  @Test(
    "the error of a field names the field, the expected value and the received value",
    arguments: [
      (#"{"times":1}"#, "name", "the field is missing", "nothing"),
      (#"{"name":null,"times":1}"#, "name", "expected a string, but null came", "null"),
      (#"{"name":7,"times":1}"#, "name", "expected a string, but a number came; put it in quotes", "7"),
      (#"{"name":1e999999,"times":1}"#, "name", "expected a string, but a number came; put it in quotes", "1e999999"),
      (
        #"{"name":"a","times":1e999999}"#, "times", "expected a whole number of at most 18 digits, but a number came",
        "1e999999"
      ),
      (#"{"name":[1e999999],"times":1}"#, "name", "expected a string, but an array came", "[1e999999]"),
      (#"{"name":{},"times":1}"#, "name", "expected a string, but an object came", "{}"),
      (#"{"name":"a","times":"5"}"#, "times", "expected a whole number, but a string came", #""5""#),
      (#"{"name":"a","times":true}"#, "times", "expected a whole number, but true or false came", "true"),
      (#"{"name":"a","times":[1]}"#, "times", "expected a whole number, but an array came", "[1]"),
      (
        #"{"name":"a","times":1.5}"#, "times", "expected a whole number of at most 18 digits, but a fraction came",
        "1.5"
      ),
      (
        #"{"name":"a","times":1e30}"#, "times",
        "expected a whole number of at most 18 digits, but one of more than 18 digits came",
        "1e30"
      ),
      (
        #"{"times":1,"name":{"b": 1, "a": "/é"}}"#, "name", "expected a string, but an object came",
        #"{"b": 1, "a": "/é"}"#
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

  @Test(
    "the error contains the position of invalid JSON",
    arguments: [
      ("hello, bot", "line 1, column 1 is where it stops being JSON"),
      (#"{"name":"a""#, "it ends too early, in line 1, column 12"),
      ("{\"name\": \"a\",\n  \"times\" 1}", "line 2, column 11 is where it stops being JSON"),
      (#"{"name":"ü" "times":1}"#, "line 1, column 13 is where it stops being JSON"),
      (#"{"name":"a"} {}"#, "line 1, column 14 is where it stops being JSON"),
      (#"{"name":"\q"}"#, "line 1, column 11 is where it stops being JSON"),
      (#"{"times":tru}"#, "line 1, column 10 is where it stops being JSON"),
      (#"{'name':1}"#, "line 1, column 2 is where it stops being JSON"),
      ("", "it ends too early, in line 1, column 1"),
      (String(repeating: "[", count: 10_000), "it is nested more than 512 deep"),
      ("[" + String(repeating: "1,", count: 20_000) + "x]", "line 1, column 40002 is where it stops being JSON"),
    ])
  func notJSON(body: String, expected: String) throws {
    let error = try #require(failure(Greeting.self, Array(body.utf8)))
    #expect(error.message == "the body is not JSON: \(expected); expected a JSON object")
  }

  @Test("a field in a list in an object is named by its path")
  func nested() throws {
    let error = try #require(failure(Order.self, Array(#"{"lines":[{"amount":1},{"amount":"2"}]}"#.utf8)))
    #expect(error.field == "lines[1].amount")
  }

  static let deeplyNested = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)

  @Test(
    "a body that is not a JSON object is rejected",
    arguments: [
      "", "hello", "{", #"{"name":"a","times":1"#, "[]", "5", "null", #""text""#, deeplyNested,
      #"{"name":"\ud800","times":1}"#,
    ])
  func notAnObject(body: String) throws {
    let error = try #require(failure(Greeting.self, Array(body.utf8)))
    #expect(error.kind == .validation)
    #expect(error.message.contains("expected"), "\(error.message)")
  }

  @Test("a body that is not UTF-8 is rejected, regardless of the position", arguments: ["name", "unread"])
  func notUTF8(field: String) throws {
    let body = Array(#"{"times":1,"name":"a","\#(field)":""#.utf8) + [0xC0, 0xAF] + Array(#""}"#.utf8)
    let error = try #require(failure(Greeting.self, body))
    #expect(error.kind == .validation)
    #expect(error.message.contains("expected"), "\(error.message)")
  }

  @Test("a date is ISO 8601; a number of seconds since an unknown epoch is rejected")
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
    let text = try #require(failure(Ending.self, Array(#"{"endsAt":"yesterday"}"#.utf8)))
    #expect(
      text.message == "endsAt: expected a date and time such as 2026-01-31T12:00:00Z, but the text that came is none")
  }

  @Test("the message for an unknown enum case does not contain the received value")
  func unknownCase() throws {
    enum Tier: String, Decodable { case gold }
    struct Prize: Decodable { var tier: Tier }
    let error = try #require(failure(Prize.self, Array(#"{"tier":"bronze"}"#.utf8)))
    #expect(error.message == "tier: expected one of the values that the event allows, but another came")
    #expect(error.received == #""bronze""#)
  }

  @Test("a key chosen by the producer cannot forge a log line")
  func hostileKey() throws {
    struct Scores: Decodable { var scores: [String: Int] }
    let key = #"a\n2026-01-01 error forged"# + String(repeating: "x", count: 10_000)
    let error = try #require(failure(Scores.self, Array(#"{"scores":{"\#(key)":"1"}}"#.utf8)))
    let field = try #require(error.field)
    #expect(field.hasPrefix(#"scores.a\n2026-01-01 error forgedx"#))
    #expect(field.count < 100)
  }

  @Test("of many numbers that no type could hold, the field is named that does not fit")
  func manyWrongNumbers() throws {
    let numbers = Array(repeating: "1.5", count: 200_000).joined(separator: ",")
    let body = String(repeating: "[", count: 300) + numbers + String(repeating: "]", count: 300)
    let error = try #require(failure(Greeting.self, Array(#"{"x":\#(body),"name":"a","times":1.5}"#.utf8)))
    #expect(error.message == "times: expected a whole number of at most 18 digits, but a fraction came")
  }

  @Test(
    "the error of a number that its type cannot hold contains the type's limits",
    arguments: [
      (#"{"small":256}"#, "small: expected a whole number from 0 to 255, but another number came"),
      (#"{"small":-1}"#, "small: expected a whole number from 0 to 255, but another number came"),
      (#"{"small":1e3}"#, "small: expected a whole number from 0 to 255, but another number came"),
      (#"{"small":1.5}"#, "small: expected a whole number from 0 to 255, but a fraction came"),
      (#"{"double":1e999}"#, "double: expected a number in the range of Double, but another came"),
      (#"{"decimal":1e999}"#, "decimal: expected a number in the range of Decimal, but another came"),
    ])
  func unrepresentable(body: String, message: String) throws {
    struct Limited: Decodable {
      var small: UInt8?
      var double: Double?
      var decimal: Decimal?
    }
    #expect(try #require(failure(Limited.self, Array(body.utf8))).message == message)
  }

  @Test(
    "the error of a text that its type cannot hold contains what was expected",
    arguments: [
      (#"{"url":""}"#, "url: expected a URL, but the text that came is none"),
      (#"{"url":5}"#, "url: expected a string, but a number came; put it in quotes"),
      (#"{"data":"!"}"#, "data: expected bytes in Base64, but the text that came is none"),
      (#"{"dates":[null]}"#, "dates[0]: expected a date and time such as 2026-01-31T12:00:00Z, but null came"),
      (#"{"id":"x"}"#, "id: Attempted to decode UUID from invalid UUID string., but a string came"),
    ])
  func specialTypes(body: String, message: String) throws {
    struct Special: Decodable {
      var url: URL?
      var data: Data?
      var dates: [Date]?
      var id: UUID?
    }
    #expect(try #require(failure(Special.self, Array(body.utf8))).message == message)
  }

  @Test("an error that a type throws itself is not changed")
  func ownError() {
    struct Refused: Error {}
    struct Refusing: Decodable {
      init(from decoder: any Decoder) throws { throw Refused() }
    }
    #expect(throws: Refused.self) { try EventDecoder.decode([Refusing].self, from: Array("[1]".utf8)) }
  }

  @Test("the received value is shortened: an event can be a megabyte")
  func shortened() throws {
    let body = #"{"name":["\#(String(repeating: "x", count: 1_000_000))"],"times":1}"#
    let error = try #require(failure(Greeting.self, Array(body.utf8)))
    #expect(try #require(error.received).count < 100)
    #expect(error.message.count < 200)
  }
}
