import Foundation
import Testing
import WorkerHTTP
import WorkerKit

@testable import WebhookPlugin

@Suite("What an answer means")
struct AnswerTests {
  private func outcomes(_ entries: [String: String]) throws -> Outcomes {
    try Outcomes(configuration: .mapping(entries.mapValues { .text($0) }))
  }

  @Test(
    "by default, 2xx is handled",
    arguments: [
      (200, nil), (204, nil), (299, nil), (301, .badRequest), (304, .badRequest), (400, .badRequest),
      (401, .badRequest), (404, .badRequest), (408, .timeout), (409, .unavailable), (410, .badRequest),
      (422, .badRequest), (429, .throttled), (500, .unavailable), (503, .unavailable), (599, .unavailable),
      (600, .unexpected), (999, .unexpected), (101, .unexpected),
    ] as [(Int, ErrorKind?)])
  func standard(status: Int, kind: ErrorKind?) {
    #expect(Outcomes.standard[status] == kind.map { Outcomes.Outcome.failed($0) } ?? .handled)
  }

  @Test("an exact status comes before its class, and what is not named stays as it was")
  func named() throws {
    let table = try outcomes(["4XX": "unexpected", "404": "handled", "500": "conflict", "2xx": "handled"])
    #expect(table[404] == .handled)
    #expect(table[400] == .failed(.unexpected))
    #expect(table[429] == .failed(.throttled))
    #expect(table[500] == .failed(.conflict))
    #expect(table[502] == .failed(.unavailable))
  }

  @Test(
    "a status that is none, and an outcome that is none, are reported at their places",
    arguments: [
      ("6xx", "handled"), ("100", "handled"), ("2x", "handled"), ("xxx", "handled"), ("20x", "handled"),
      ("0200", "handled"), ("4xx", "hanlded"), ("4xx", ""), ("404", "permanent"),
    ])
  func wrong(status: String, outcome: String) {
    #expect(throws: ConfigurationValueError.self) { try outcomes([status: outcome]) }
  }

  @Test("410, 401 and 403 speak of the whole destination, unless the route says what they mean")
  func refusals() throws {
    #expect(Outcomes.standard.refusal(410) == .gone)
    #expect(Outcomes.standard.refusal(401) == .unauthorized)
    #expect(Outcomes.standard.refusal(403) == .unauthorized)
    #expect(Outcomes.standard.refusal(404) == nil)
    #expect(try outcomes(["410": "badRequest", "4xx": "handled"]).refusal(410) == nil)
    #expect(try outcomes(["4xx": "handled"]).refusal(401) == nil)
    #expect(try outcomes(["4xx": "unavailable"]).refusal(401) == .unauthorized)
  }

  /// Source: RFC 9110, sections 5.6.7 and 10.2.3.
  @Test(
    "Retry-After is seconds, or a date in any of HTTP's forms",
    arguments: [
      ("120", 120), ("0", 0), ("1.5", 1.5), ("99999999999999999999", 1_000_000_000),
      ("Sun, 06 Nov 1994 08:50:37 GMT", 60), ("Sunday, 06-Nov-94 08:50:37 GMT", 60), ("Sun Nov  6 08:50:37 1994", 60),
      ("Sun, 06 Nov 1994 08:49:36 GMT", 0), ("soon", nil), ("-1", nil), ("", nil), ("1e3", nil), ("1 2", nil),
    ] as [(String, Double?)])
  func retryAfter(text: String, seconds: Double?) {
    let now = Date(timeIntervalSince1970: 784_111_777)  // Sun, 06 Nov 1994 08:49:37 GMT
    #expect(RetryAfter.delay(text, now: now) == seconds.map { Duration.milliseconds(Int64($0 * 1000)) })
  }

  @Test(
    "it is heeded of 429, 503 and 3xx, and no longer than the route allows",
    arguments: [(429, 60), (503, 60), (302, 60), (500, nil), (200, nil), (404, nil)] as [(Int, Int?)])
  func heeded(status: Int, seconds: Int?) {
    let response = HTTPClientResponse(status: status, headers: [("retry-after", "120")])
    #expect(RetryAfter.delay(in: response, now: Date(), limit: .seconds(60)) == seconds.map { Duration.seconds($0) })
  }

  @Test("a date is read by the server's own clock, where it shows it")
  func clock() {
    let response = HTTPClientResponse(
      status: 503,
      headers: [("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"), ("date", "Sun, 06 Nov 1994 08:49:37 GMT")])
    #expect(RetryAfter.delay(in: response, now: Date(), limit: .seconds(3600)) == .seconds(60))
  }

  private func text(_ body: String, type: String = "text/plain", hiding secrets: [String] = []) -> String? {
    AnswerText.text(
      of: HTTPClientResponse(status: 400, headers: [("content-type", type)], body: Array(body.utf8)), hiding: secrets)
  }

  @Test("of a problem document, the title and the detail are what it says")
  func problem() {
    let json = #"{"type":"https://x","title":"No such raffle","detail":"It ended\n yesterday","status":404,"secret":1}"#
    #expect(text(json, type: "application/problem+json") == "No such raffle: It ended yesterday")
    #expect(text(json, type: "Application/Problem+JSON; charset=utf-8") == "No such raffle: It ended yesterday")
    #expect(text(#"{"detail":"Only this"}"#, type: "application/problem+json") == "Only this")
    #expect(text(json, type: "application/json")?.hasPrefix("{") == true)
    // Neither a document nor one that says something: its text.
    #expect(text("oops {", type: "application/problem+json") == "oops {")
    #expect(text(#"{"title":7}"#, type: "application/problem+json") == #"{"title":7}"#)
  }

  @Test("a problem document that is larger than what a dead letter shows is read, and its text is cut")
  func largeProblem() {
    let extensions = #""errors":"\#(String(repeating: "x", count: 8192))""#
    let type = "application/problem+json"
    #expect(
      text(#"{\#(extensions),"title":"No such raffle","detail":"It ended"}"#, type: type) == "No such raffle: It ended")
    let detail = String(repeating: "ü", count: 4096)
    #expect(text(#"{"title":"Long","detail":"\#(detail)"}"#, type: type)?.utf8.count == 4096)
  }

  @Test("text is one line without control characters, of valid Unicode")
  func cleaning() {
    #expect(text("\u{1B}[31mred\u{1B}[0m\r\n\tand\u{0} \u{202E}so on\u{85}") == "[31mred[0m and so on")
    #expect(text(" \n ") == nil)
    let broken = HTTPClientResponse(status: 400, body: [0x61, 0xFF, 0x62])
    #expect(AnswerText.text(of: broken, hiding: []) == "a\u{FFFD}b")
    #expect(text(String(repeating: "x", count: 5000))?.utf8.count == 4096)
  }

  @Test("what the request holds as a secret is hidden, where the answer repeats it")
  func hiding() {
    #expect(text("you sent Bearer abc-secret", hiding: ["abc-secret", "Bearer abc-secret", "x"]) == "you sent …")
  }

  @Test("no part of a secret is shown, where the text is cut within it", arguments: [4096, 65_536])
  func hidingAtTheCut(limit: Int) throws {
    let secret = "abc-secret-def"
    for kept in 1..<secret.utf8.count {
      // Of 64 KiB, all but the end of the text is one space.
      let filler =
        limit == 4096 ? String(repeating: "x", count: limit - kept) : String(repeating: " ", count: limit - kept)
      let shown = try #require(text("y\(filler.dropFirst())\(secret) more", hiding: [secret, "other"]))
      #expect(kept < 4 || !shown.contains(secret.prefix(kept)), "\(kept)")
      #expect(shown.utf8.count <= 4096)
    }
  }
}
