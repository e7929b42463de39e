import Foundation
import Logging
import Testing
import WorkerKit

@testable import WebhookPlugin

@Suite("What an event is called in a request")
struct EventNamesTests {
  @Test(
    "Idempotency-Key is a string of RFC 8941's: printable ASCII in quotes, with the rest percent-encoded",
    arguments: [
      ("WON", "producer:win-1", #""WON/producer:win-1""#),
      ("WON", #"producer:say "hi" \o/"#, #""WON/producer:say \"hi\" \\o/""#),
      ("WON", "producer:100%", #""WON/producer:100%25""#),
      ("WON", "producer:Grüße", #""WON/producer:Gr%C3%BC%C3%9Fe""#),
      ("WON", "producer:a\r\nX: y\u{7F}", #""WON/producer:a%0D%0AX: y%7F""#),
      ("A/B", "producer:C", #""A%2FB/producer:C""#),
    ])
  func idempotencyKey(eventType: String, key: String, expected: String) {
    #expect(EventNames(eventType: eventType, idempotencyKey: key).idempotencyKey == expected)
  }

  @Test("the id is letters, digits and _; it is the same for the same event, and another for every other")
  func id() {
    let names = [
      ("WON", "producer:1"), ("LOST", "producer:1"), ("WON", "message:1"), ("WON", "producer:ü"),
      ("WON", "producer:%C3%BC"), ("WON/producer:1", ""), ("WON", "producer:1 "),
    ]
    let ids = names.map { EventNames(eventType: $0.0, idempotencyKey: $0.1) }
    #expect(Set(ids.map(\.id)).count == names.count)
    #expect(Set(ids.map(\.idempotencyKey)).count == names.count)
    #expect(ids.allSatisfy { $0.id.wholeMatch(of: /evt_[0-9a-f]{32}/) != nil })
    #expect(EventNames(eventType: "WON", idempotencyKey: "producer:1").id == ids[0].id)
  }
}

@Suite("CloudEvents")
struct CloudEventTests {
  private func event(_ eventType: String, body: String = #"{"a":1}"#) -> CloudEvent {
    var logger = Logger(label: "test")
    logger.handler = SwiftLogNoOpLogHandler()
    let context = HandlerContext(
      eventType: eventType, queue: "prizes.fifo", messageID: "m", sentAt: Date(timeIntervalSince1970: 1_700_000_000.25),
      logger: logger)
    return CloudEvent(RawEvent(body: Array(body.utf8)), id: "evt_1", context: context)
  }

  /// Source: CloudEvents' HTTP binding 1.0.2, section 3.1.3.2, with its example Euro € 😀.
  @Test("headers are percent-encoded: what is not printable ASCII, the space, the quote and the percent sign")
  func headers() {
    let headers = event("Euro € 😀").headers
    #expect(headers.map(\.name) == ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time"])
    #expect(
      headers.map(\.value) == [
        "1.0", "evt_1", "/queues/prizes.fifo", "Euro%20%E2%82%AC%20%F0%9F%98%80", "2023-11-14T22:13:20.250Z",
      ])
    #expect(event("100% \"x\"").headers[3].value == "100%25%20%22x%22")
  }

  @Test("a structured one is JSON, with the body as it came")
  func structured() {
    let body = "{ \"a\" : 1.0e0,\n\"b\":\"\\u00fc\" }"
    let json = String(decoding: event("Say \"hi\"\n\\", body: body).json, as: UTF8.self)
    #expect(
      json == #"{"specversion":"1.0","id":"evt_1","source":"/queues/prizes.fifo","type":"Say \"hi\"\u000a\\","#
        + #""time":"2023-11-14T22:13:20.250Z","datacontenttype":"application/json","data":"# + body + "}")
  }
}
