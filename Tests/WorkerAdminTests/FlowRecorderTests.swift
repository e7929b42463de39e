import Foundation
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerAdmin
@testable import WorkerKit

@Suite("The flow of events", .timeLimit(.minutes(20)))
struct FlowRecorderTests {
  let flow = FlowRecorder(clock: WorkerClock(ManualClock()))

  func context(_ id: String, route: String = "GREETED", sentAt: Date? = nil) -> HandlerContext {
    HandlerContext(
      eventType: route, queue: "prizes", messageID: id, receiveCount: 2, sentAt: sentAt, logger: quietLogger)
  }

  /// Records an attempt of 40 ms.
  func record(_ context: HandlerContext, _ error: (any Error)? = nil) {
    flow.recordHandling(of: context, error, duration: .milliseconds(40), at: .seconds(1))
  }

  func failure(_ plan: HandlingFailure.Plan) -> HandlingFailure {
    HandlingFailure(kind: .conflict, message: "it is held by another", settlement: plan)
  }

  @Test("an event has its outcome, its duration, its attempt, and what went wrong")
  func outcomes() {
    record(context("handled"))
    let duplicate = context("duplicate")
    duplicate.reportAlreadyHandled()
    record(duplicate)
    record(context("retry"), failure(.retry(after: .seconds(1))))
    record(context("deadLetter"), failure(.deadLetter))
    record(context("left"), failure(.leave))
    record(context("cancelled"), CancellationError())
    let events = flow.events(limit: 10).reversed()
    #expect(events.map(\.outcome.rawValue) == events.map(\.messageID))
    #expect(events.map(\.number) == Array(1...6))
    #expect(events.allSatisfy { $0.duration == .milliseconds(40) && $0.attempt == 2 && $0.queue == "prizes" })
    #expect(events.map(\.kind) == [nil, nil, "conflict", "conflict", "conflict", nil])
    #expect(events.map(\.problem).compactMap(\.self) == Array(repeating: "it is held by another", count: 3))
  }

  @Test("routes and queues count all events, and the flow keeps the last thousand")
  func counts() throws {
    for number in 1...FlowRecorder.capacity + 20 {
      record(context("m-\(number)"), number % 10 == 0 ? failure(.deadLetter) : nil)
    }
    record(context("other", route: "LEFT"))
    record(context("stopped"), CancellationError())
    let route = try #require(flow.routes["GREETED"])
    #expect((route.handled, route.failed) == (918, 102))
    #expect(flow.routes["LEFT"]?.handled == 1)
    #expect(flow.durations(of: route).percentile(0.5).map { $0 >= .milliseconds(40) && $0 < .milliseconds(50) } == true)
    let queue = try #require(flow.queueCounts(isSample: false)["prizes"])
    #expect((queue.handled, queue.failed) == (919, 102))
    let kept = flow.events(limit: 2000)
    #expect(kept.count == FlowRecorder.capacity)
    #expect(kept.first?.messageID == "stopped" && kept.last?.messageID == "m-23")
    #expect(flow.events(after: flow.last - 2, limit: 100).map(\.messageID) == ["stopped", "other"])
  }

  @Test("the age of the oldest is from its send to the begin of its handling, and begins anew with each sample")
  func age() throws {
    record(context("new", sentAt: Date(timeIntervalSinceNow: -1)))
    record(context("old", sentAt: Date(timeIntervalSinceNow: -100)))
    record(context("unknown"))
    let oldest = try #require(flow.queueCounts(isSample: true)["prizes"]?.oldest)
    #expect(oldest >= 99.9)
    #expect(flow.queueCounts(isSample: true)["prizes"]?.oldest == nil)
  }

  @Test("a redrive learns of its events' outcomes, those before it asked too")
  func awaited() async {
    record(context("before"))
    async let outcomes = flow.outcomes(of: ["before", "after"], within: .seconds(60))
    while flow.last < 2 {
      record(context("after"), failure(.deadLetter))
      await Task.yield()
    }
    let found = await outcomes
    #expect(found["before"]?.outcome == .handled && found["after"]?.outcome == .deadLetter)
  }
}
