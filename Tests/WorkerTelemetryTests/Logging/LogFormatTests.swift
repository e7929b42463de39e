import Foundation
import Logging
import Testing

@testable import WorkerTelemetry

@Suite("Log lines")
struct LogFormatTests {
  static let hostile = "a\n12:00:00 info forged\r\u{1B}[31m\u{9B}2J\u{202E}\u{2028}\u{0}\t\\ \"="

  let entry = LogEntry(
    time: 1_795_532_523.1204, level: .warning, label: "worker.sqs", message: "event failed",
    metadata: [
      "kind": "notFound", "zeal": "1", "queue": "prizes", "error": "no such item", "messageId": "m-1",
      "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "list": ["a", ["b": "c"]],
    ], source: "WorkerKit/X.swift:7")

  func json(_ entry: LogEntry) throws -> [String: Any] {
    let line = JSONFormat().line(entry)
    #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x2028 || $0.value == 0x9B })
    return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  @Test("JSON has the time in UTC, the trace beside the message, and the metadata as it is nested")
  func jsonLine() throws {
    let object = try json(entry)
    #expect(object["time"] as? String == "2026-11-24T15:02:03.120Z")
    #expect(object["level"] as? String == "warning")
    #expect(object["logger"] as? String == "worker.sqs")
    #expect(object["message"] as? String == "event failed")
    #expect(object["trace_id"] as? String == "4bf92f3577b34da6a3ce929d0e0e4736")
    #expect(object["source"] as? String == "WorkerKit/X.swift:7")
    let metadata = try #require(object["metadata"] as? [String: Any])
    #expect(metadata["messageId"] as? String == "m-1")
    #expect(metadata["trace_id"] == nil)
    let list = try #require(metadata["list"] as? [Any])
    #expect(list.first as? String == "a")
    #expect((list.last as? [String: String]) == ["b": "c"])
  }

  @Test("whatever comes in, JSON gives back, and it stays one line")
  func jsonEscapes() throws {
    let object = try json(
      LogEntry(time: 0, level: .info, label: "l", message: Self.hostile, metadata: [Self.hostile: "\(Self.hostile)"]))
    #expect(object["message"] as? String == Self.hostile)
    #expect((object["metadata"] as? [String: String]) == [Self.hostile: Self.hostile])
    #expect(object["time"] as? String == "1970-01-01T00:00:00.000Z")
  }

  @Test("text has what identifies a message first, then what went wrong")
  func text() {
    let line = ConsoleFormat(isColoured: false).line(entry)
    #expect(line.dropFirst(3).hasPrefix("02:03 warning  event failed  "))
    #expect(
      line.hasSuffix(
        """
        queue=prizes messageId=m-1 kind=notFound error="no such item" list=["a",{"b":"c"}] \
        trace_id=4bf92f3577b34da6a3ce929d0e0e4736 zeal=1 source=WorkerKit/X.swift:7
        """))
    #expect(!line.contains("\u{1B}"))
  }

  @Test(
    "a quotation mark in a value does not end it, whatever mark is joined to it",
    arguments: [("", ""), ("\u{FE0F}", #"\u{fe0f}"#), ("\u{301}", "\u{301}")])
  func quotes(mark: String, shown: String) {
    let line = ConsoleFormat(isColoured: false).line(
      LogEntry(time: 0, level: .info, label: "l", message: "m", metadata: ["error": "x\"\(mark) level=info"]))
    #expect(
      line.unicodeScalars.split(separator: " ").map(String.init).suffix(2) == [#"error="x\"\#(shown)"#, "level=info\""])
  }

  @Test("what has no width is shown")
  func widthless() {
    let line = ConsoleFormat(isColoured: false).line(
      LogEntry(time: 0, level: .info, label: "l", message: "a\u{200B}b\u{FEFF}", metadata: [:]))
    #expect(line.hasSuffix(#"a\u{200b}b\u{feff}"#))
  }

  @Test("nothing that is logged ends a line, steers a terminal or turns its writing around", arguments: [false, true])
  func textEscapes(isColoured: Bool) {
    let line = ConsoleFormat(isColoured: isColoured).line(
      LogEntry(time: 0, level: .info, label: "l", message: Self.hostile, metadata: [Self.hostile: "\(Self.hostile)"]))
    let own = ["\u{1B}[32m", "\u{1B}[2m", "\u{1B}[0m"].reduce(line) { $0.replacing($1, with: "") }
    #expect((own != line) == isColoured)
    let bad = own.unicodeScalars.filter {
      $0.value < 0x20 || (0x7F...0x9F).contains($0.value) || [0x202E, 0x2028].contains($0.value)
    }
    #expect(bad.isEmpty)
    #expect(own.contains(#"\u{1b}[31m\u{9b}2J\u{202e}\u{2028}\u{0}\t"#))
  }

  @Test(
    "text goes to terminals, with colours where they are wanted; JSON goes elsewhere",
    arguments: [
      (.auto, true, [:], "colour"), (.auto, false, [:], "json"), (.text, false, [:], "text"),
      (.json, true, [:], "json"),
      (.text, true, ["NO_COLOR": "1"], "text"), (.auto, true, ["NO_COLOR": ""], "colour"),
      (.auto, true, ["TERM": "dumb"], "text"),
    ] as [(LogSetup.Format, Bool, [String: String], String)])
  func choice(format: LogSetup.Format, isTerminal: Bool, environment: [String: String], expected: String) {
    let made = LogSetup(format: format, levels: LogLevels()).format(isTerminal: isTerminal, environment: environment)
    let found =
      if let console = made as? ConsoleFormat { console.isColoured ? "colour" : "text" } else { "json" }
    #expect(found == expected)
  }

  @Test("levels by name hold for what lies below it, and the longest name decides")
  func levels() throws {
    let levels = try LogLevels("warning, worker.sqs=debug,worker.sqs.retry=error,Hummingbird=Trace")
    #expect(levels["worker"] == .warning)
    #expect(levels["worker.sqs"] == .debug)
    #expect(levels["worker.sqs.other"] == .debug)
    #expect(levels["worker.sqs.retry.x"] == .error)
    #expect(levels["worker.sqsx"] == .warning)
    #expect(levels["Hummingbird"] == .trace)
    #expect(try LogLevels("worker=error").general == nil)
  }

  @Test("wrong levels are refused with what is valid", arguments: ["", "loud", "a=loud", "=info", "info,debug"])
  func wrongLevels(text: String) {
    #expect(throws: LogLevelsError.self) { try LogLevels(text) }
  }
}
