import Foundation
import Logging
import Testing
import WorkerKit

@testable import ProcessPlugin

@Suite("An event as a program is told of it")
struct ProcessRequestTests {
  private func context(_ attributes: [String: MessageAttribute] = [:], key: String = "producer:k") -> HandlerContext {
    HandlerContext(
      eventType: "WON", messageID: "m-1", idempotencyKey: key, receiveCount: 2, attributes: attributes,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }

  @Test("it is one line, however others look for line breaks, and the same JSON")
  func line() throws {
    let body = "{\r\n \"a\": \"x\u{2028}y\u{2029}z\u{85}é🎁\u{200A}\",\n \"n\": 12345678901234567890.10 }"
    let line = try ProcessRequest(id: "m-1-7", context(key: "producer:\u{2028}")).line(body: Array(body.utf8))
    let text = String(decoding: line, as: UTF8.self)
    #expect(text.hasSuffix("}\n"))
    #expect(text.split(whereSeparator: \.isNewline).count == 1)
    #expect(text.contains(#""n": 12345678901234567890.10"#))
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
    #expect(object["id"] as? String == "m-1-7")
    #expect(object["eventType"] as? String == "WON")
    #expect(object["idempotencyKey"] as? String == "producer:\u{2028}")
    #expect(object["receiveCount"] as? Int == 2)
    #expect((object["body"] as? [String: Any])?["a"] as? String == "x\u{2028}y\u{2029}z\u{85}é🎁\u{200A}")
    #expect(Set(object.keys) == ["id", "eventType", "idempotencyKey", "receiveCount", "body"])
  }

  @Test("a producer's trace goes on, and what is none does not")
  func traceparent() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    #expect(ProcessRequest(id: "m", context(["traceparent": .string(parent)])).traceparent == parent)
    #expect(ProcessRequest(id: "m", context(["traceparent": .string("\(parent)\nX=1")])).traceparent == nil)
  }

  @Test("a variable holds what it can")
  func variables() {
    let variables = ProcessRequest(id: "m", context(key: "producer:a\0b")).variables
    #expect(
      variables == [
        "EVENT_ID": "m", "EVENT_TYPE": "WON", "EVENT_IDEMPOTENCY_KEY": "producer:a\u{FFFD}b",
        "EVENT_RECEIVE_COUNT": "2",
      ])
  }
}
