import Testing
import WorkerKit

@testable import ProcessPlugin

@Suite("What a process of mode worker answers")
struct ProcessAnswerTests {
  private func read(_ text: String, isCut: Bool = false) throws(ProcessAnswer.Broken) -> ProcessAnswer {
    try ProcessAnswer(.init(bytes: Array(text.utf8), isCut: isCut), retryAfterMax: .seconds(60))
  }

  @Test("ready", arguments: [#"{"ready":true}"#, #" { "ready" : true, "version": "1.2" } "#])
  func ready(text: String) throws {
    guard case .ready = try read(text) else {
      Issue.record("it is ready")
      return
    }
  }

  @Test("handled, whatever else it says")
  func handled() throws {
    guard case .outcome("m-1", nil) = try read(#"{"id":"m-1","outcome":"handled","kind":"conflict","more":[1]}"#) else {
      Issue.record("it is handled")
      return
    }
  }

  @Test("failed, with what it says of that")
  func failed() throws {
    let text = #"{"id":"m","outcome":"failed","kind":"throttled","message":"slowly","field":"a.b","retryAfter":1.5}"#
    guard case .outcome("m", let failure?) = try read(text) else {
      Issue.record("it has failed")
      return
    }
    #expect(failure.kind == .throttled)
    #expect(failure.message == "slowly")
    #expect(failure.field == "a.b")
    #expect(failure.retryAfter == .milliseconds(1500))
  }

  @Test(
    "retryAfter is in seconds or a duration, and limited",
    arguments: [
      ("0", Duration.zero), ("7", .seconds(7)), (#""500ms""#, .milliseconds(500)), (#""1m""#, .seconds(60)),
      ("61", .seconds(60)), (#""2h""#, .seconds(60)), ("null", nil),
    ] as [(String, Duration?)])
  func retryAfter(text: String, expected: Duration?) throws {
    guard case .outcome(_, let failure?) = try read(#"{"id":"m","outcome":"failed","retryAfter":\#(text)}"#) else {
      Issue.record("it has failed")
      return
    }
    #expect(failure.retryAfter == expected)
    #expect(failure.kind == .unexpected)
  }

  @Test(
    "anything else breaks the protocol, and the reason holds no part of it",
    arguments: [
      ("hello secret", "no JSON object"), ("", "no JSON object"), (#""secret""#, "no JSON object"),
      ("[1]", "no JSON object"), ("{}", "without `id`"),
      (#"{"id":7,"outcome":"handled"}"#, "whose `id` is of the wrong type"),
      (#"{"id":"m"}"#, "whose `outcome`"), (#"{"id":"m","outcome":"secret"}"#, "whose `outcome`"),
      (#"{"ready":false}"#, "without `id`"),
      (#"{"id":"m","outcome":"failed","retryAfter":"secret"}"#, "whose `retryAfter` is of the wrong type"),
      (#"{"id":"m","outcome":"failed","retryAfter":-1}"#, "whose `retryAfter` is of the wrong type"),
    ])
  func broken(text: String, expected: String) {
    let error = #expect(throws: ProcessAnswer.Broken.self) { try read(text) }
    #expect(error?.reason.contains(expected) == true, "\(error?.reason ?? "")")
    #expect(error?.reason.contains("secret") == false)
  }

  @Test("and so does a line that is too long")
  func cut() {
    let error = #expect(throws: ProcessAnswer.Broken.self) { try read(#"{"id":"m","outcome":"handled"}"#, isCut: true) }
    #expect(error?.reason == "a line of more than 65536 bytes")
  }
}
