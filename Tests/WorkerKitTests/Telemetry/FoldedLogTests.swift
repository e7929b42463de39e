import InMemoryLogging
import Logging
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Folded log lines")
struct FoldedLogTests {
  let down = line()

  static func line(
    _ text: String = "event failed", route: String = "A", kind: ErrorKind? = .network, detail: String = "down"
  ) -> FoldedLines.Line {
    .init(text: text, route: route, kind: kind?.rawValue, detail: detail)
  }

  @Test("five similar lines are shown; the number of the others is reported once after ten seconds")
  func folds() {
    var lines = FoldedLines()
    let shown = (0..<100).map { lines.add(down, at: .milliseconds($0)) }
    #expect(shown == Array(repeating: true, count: 5) + Array(repeating: false, count: 95))
    let reported = [9, 10, 20].map { lines.takeFinished(at: .seconds($0)) }
    #expect(reported == [[], [.init(line: down, count: 95, span: .milliseconds(99))], []])
    let isShown = lines.add(down, at: .seconds(20))
    #expect(isShown)
  }

  @Test("occasional failures are never folded")
  func rare() {
    var lines = FoldedLines()
    for second in stride(from: 0, to: 300, by: 3) {
      let isShown = lines.add(down, at: .seconds(second))
      let reported = lines.takeFinished(at: .seconds(second))
      #expect(isShown)
      #expect(reported.isEmpty)
    }
  }

  @Test("another text, route, kind or error is another line")
  func different() {
    var lines = FoldedLines()
    let others = [
      Self.line(), Self.line("event was left"), Self.line(route: "B"), Self.line(kind: .conflict),
      Self.line(kind: nil), Self.line(detail: "up"),
    ]
    let shown = others.flatMap { line in (0..<5).map { _ in lines.add(line, at: .zero) } }
    #expect(!shown.contains(false))
    let reported = lines.takeFinished(at: .seconds(10))
    #expect(reported.isEmpty)
  }

  @Test("numbers, ids and quoted text are ignored, and the first line is reported unchanged")
  func normalized() {
    var lines = FoldedLines()
    let details = (0..<100).map { number in
      "line 1, column \(number): 7f\(number)-beef of \(number * 17) bytes came, near \"\(String(repeating: "x", count: number))\""
    }
    let shown = details.count { lines.add(Self.line(detail: $0), at: .zero) }
    #expect(shown == 5)
    let reported = lines.takeFinished(at: .seconds(10))
    #expect(reported == [.init(line: Self.line(detail: details[0]), count: 95, span: .zero)])
  }

  @Test(
    "the part of an error that is compared",
    arguments: [
      ("not JSON at line 1, column 42", "not JSON at line #, column #"),
      ("no row with id 6f1c2a7e-3b1d-4c55-9a51-0d6c4a3c9f10", "no row with id #"),
      ("the stack holds 9007199254740991 of `Gold coin`", "the stack holds # of …"),
      ("expected a whole number", "expected a whole number"), ("unterminated \"x", "unterminated …"), ("", ""),
    ])
  func comparison(detail: String, compared: String) {
    #expect(FoldedLines.Line.normalized(detail) == compared)
  }

  @Test("of ten thousand kinds a limited number of lines is shown, and the others are counted")
  func bounded() {
    var lines = FoldedLines()
    let words = (0..<10_000).map { number in String(number).map { "abcdefghij"[Int(String($0)) ?? 0] }.joined() }
    let shown = words.count { lines.add(Self.line(detail: $0), at: .zero) }
    #expect(shown == FoldedLines.limit + FoldedLines.shown)
    let reported = lines.takeFinished(at: .seconds(10))
    #expect(reported == [.init(line: nil, count: 10_000 - shown, span: .zero)])
  }

  @Test("of many similar lines the log shows five at warning, all at debug, and then the number of the others")
  func middleware() async throws {
    let clock = ManualClock()
    let logs = InMemoryLogHandler()
    var logger = Logger(label: "test", factory: { _ in logs })
    logger.logLevel = .debug
    let log = FoldedLog(clock: WorkerClock(clock))
    let processor = Processor(
      queue: "events",
      table: RoutingTable(routes: [
        Route(
          eventType: "GREETED", handlerName: "h",
          handler: ClosureHandler { (_: Greeting, context) in throw EventError(.network, "down") })
      ]), middleware: [Instrumentation(clock: WorkerClock(clock), log: log)], clock: WorkerClock(clock),
      deadlines: TimerQueue(clock: WorkerClock(clock)), random: { 0 },
      logger: logger)
    func fail() async {
      _ = await processor.process(
        ReceivedMessage(id: "m-1", receiptHandle: "h", body: Array(ConsumerHarness.greeting.utf8)))
    }
    for _ in 0..<12 { await fail() }
    let failed = logs.entries.filter { "\($0.message)".hasPrefix("event failed") }
    #expect(failed.map(\.level) == Array(repeating: .warning, count: 5) + Array(repeating: .debug, count: 7))
    log.reportFolded(logger)
    clock.advance(by: FoldedLines.window)
    await fail()
    log.reportFolded(logger)
    let summaries = logs.entries.filter { "\($0.message)" == "more events failed in the same way" }
    #expect(summaries.count == 1)
    let metadata = try #require(summaries.first?.metadata)
    #expect(metadata["count"] == "8")
    #expect(metadata["kind"] == "network")
    #expect(metadata["error"] == "down")
  }
}

extension String {
  fileprivate subscript(position: Int) -> String { String(self[index(startIndex, offsetBy: position)]) }
}
