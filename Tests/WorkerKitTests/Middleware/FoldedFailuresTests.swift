import InMemoryLogging
import Logging
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Folded failures")
struct FoldedFailuresTests {
  let cause = FoldedFailures.Cause(route: "A", kind: .network, message: "down")

  @Test("five that are alike are shown; how many more there were is said after ten seconds, once")
  func folds() {
    var failures = FoldedFailures()
    let shown = (0..<100).map { failures.add(cause, at: .milliseconds($0)) }
    #expect(shown == Array(repeating: true, count: 5) + Array(repeating: false, count: 95))
    let said = [9, 10, 20].map { failures.takeFinished(at: .seconds($0)) }
    #expect(said == [[], [.init(cause: cause, count: 95, span: .milliseconds(99))], []])
    let isShown = failures.add(cause, at: .seconds(20))
    #expect(isShown)
  }

  @Test("one that fails now and then is never folded")
  func rare() {
    var failures = FoldedFailures()
    for second in stride(from: 0, to: 300, by: 3) {
      let isShown = failures.add(cause, at: .seconds(second))
      let said = failures.takeFinished(at: .seconds(second))
      #expect(isShown)
      #expect(said.isEmpty)
    }
  }

  @Test("another route, kind or message is another failure, and what differs each time is shown each time")
  func different() {
    var failures = FoldedFailures()
    let causes: [FoldedFailures.Cause] =
      [
        .init(route: "A", kind: .network, message: "down"), .init(route: "B", kind: .network, message: "down"),
        .init(route: "A", kind: .conflict, message: "down"), .init(route: "A", kind: .network, message: "up"),
      ] + (0..<10_000).map { .init(route: "A", kind: .notFound, message: "\($0)") }
    let shown = causes.map { failures.add($0, at: .zero) }
    #expect(!shown.contains(false))
    let said = failures.takeFinished(at: .seconds(10))
    #expect(said.isEmpty)
  }

  @Test("the log shows five of a flood at warning, all at debug, and then how many more there were")
  func middleware() async throws {
    let clock = ManualClock()
    let logs = InMemoryLogHandler()
    var logger = Logger(label: "test", factory: { _ in logs })
    logger.logLevel = .debug
    let logging = LoggingMiddleware(clock: WorkerClock(clock))
    let processor = Processor(
      queue: "events",
      table: RoutingTable(routes: [
        Route(
          eventType: "GREETED", handlerName: "h",
          handler: ClosureHandler { (_: Greeting, _) in throw EventError(.network, "down") })
      ]), middleware: [logging], clock: WorkerClock(clock),
      deadlines: Deadlines(clock: WorkerClock(clock)), random: { 0 },
      logger: logger)
    func fail() async {
      _ = await processor.process(
        ReceivedMessage(id: "m-1", receiptHandle: "h", body: Array(ConsumerHarness.greeting.utf8)))
    }
    for _ in 0..<12 { await fail() }
    let failed = logs.entries.filter { "\($0.message)".hasPrefix("event failed") }
    #expect(failed.map(\.level) == Array(repeating: .warning, count: 5) + Array(repeating: .debug, count: 7))
    logging.sayHowManyMore(logger)
    clock.advance(by: FoldedFailures.window)
    await fail()
    logging.sayHowManyMore(logger)
    let summaries = logs.entries.filter { "\($0.message)" == "more events failed like this" }
    #expect(summaries.count == 1)
    let metadata = try #require(summaries.first?.metadata)
    #expect(metadata["count"] == "8")
    #expect(metadata["kind"] == "network")
    #expect(metadata["error"] == "down")
  }
}
