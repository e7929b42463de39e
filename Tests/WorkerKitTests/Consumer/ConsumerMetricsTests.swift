import Foundation
import Metrics
import MetricsTestKit
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("The metrics of a consumer", .timeLimit(.minutes(20)))
struct ConsumerMetricsTests {
  static let queue = ("messaging.destination.name", "events")

  @Test("settled messages are counted by route, outcome and error, once each")
  func outcomes() async throws {
    let metrics = TestMetrics()
    try await withMetricsFactory(metrics) {
      let harness = ConsumerHarness(
        handler: ClosureHandler { (event: Greeting, context) in
          if event.times == 2 { throw EventError(.conflict, "never") }
          if event.times == 3, context.receiveCount == 1 { throw EventError(.network, "not yet") }
        })
      for times in 1...3 {
        harness.queue.put(OutgoingMessage(body: #"{"eventType":"GREETED","name":"Ada","times":\#(times)}"#))
      }
      harness.queue.put(OutgoingMessage(body: #"{"eventType":"EVIL"}"#))
      try await harness.run {
        try await harness.untilSettled("retried")
        harness.clock.advance(by: .seconds(2))
        try await harness.untilSettled("handled", count: 2)
        try await harness.untilSettled("dead-lettered", count: 2)
      }
    }
    func settled(_ route: String, _ outcome: String, _ errorType: String) throws -> Int64 {
      try metrics.expectCounter(
        "worker.messages.settled",
        [Self.queue, ("route", route), ("outcome", outcome), ("error.type", errorType)]
      ).totalValue
    }
    #expect(try settled("GREETED", "handled", "") == 2)
    #expect(try settled("GREETED", "retried", "network") == 1)
    #expect(try settled("GREETED", "dead-lettered", "conflict") == 1)
    #expect(try settled("unrouted", "dead-lettered", "validation") == 1)
    // Each delivery counts, and the retried message had two.
    #expect(try metrics.expectCounter("messaging.client.consumed.messages", [Self.queue]).totalValue == 5)
    #expect(try metrics.expectTimer("worker.message.age", [Self.queue]).values.count == 5)
    #expect(
      try metrics.expectTimer("worker.message.latency", [Self.queue, ("route", "GREETED")]).values.count == 2)
    #expect(try metrics.expectGauge("worker.messages.in_flight", [Self.queue]).lastValue == 0)
    #expect(try metrics.expectGauge("worker.slots.free", [Self.queue]).lastValue == 32)
  }

  @Test("failed receives are counted by kind, never by a server's code; the status has the reason until one succeeds")
  func receives() async throws {
    let metrics = TestMetrics()
    try await withMetricsFactory(metrics) {
      let harness = ConsumerHarness(handler: ClosureHandler { (_: Greeting, _) in })
      harness.queue.fail(
        .receive, with: QueueError(code: .init(rawValue: "Invented-4711"), kind: .network, message: "no route to host"))
      #expect(harness.consumer.status.activity == .starting)
      try await harness.run {
        try await harness.clock.untilSleeping(for: .milliseconds(500))
        guard case .failing(let reason) = harness.consumer.status.activity else {
          Issue.record("\(harness.consumer.status.activity)")
          return
        }
        #expect(reason.contains("no route to host"))
        #expect(!harness.consumer.status.hasReceived)
        harness.clock.advance(by: .milliseconds(500))
        harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
        try await harness.untilSettled("handled")
        #expect(harness.consumer.status.hasReceived)
      }
      #expect(harness.consumer.status.activity == .stopped)
    }
    #expect(
      try metrics.expectCounter("worker.receive.failures", [Self.queue, ("error.type", "network")]).totalValue == 1)
    #expect(try metrics.expectGauge("worker.receive.last_success", [Self.queue]).lastValue ?? 0 > 0)
  }

  @Test("extended and lost leases are counted")
  func leases() async throws {
    let gate = Gate()
    let metrics = TestMetrics()
    try await withMetricsFactory(metrics) {
      let harness = ConsumerHarness(
        handler: ClosureHandler { (_: Greeting, _) in try await gate.pass() }, timeout: .seconds(600),
        // Shorter than the wait for a renewal, which no receive is to be taken for.
        configure: { $0.waitTime = .seconds(5) })
      harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
      try await harness.run {
        try await gate.untilArrived()
        try await harness.clock.untilSleeping(for: .seconds(20))
        harness.clock.advance(by: .seconds(20))
        // The wait for the next renewal: the first one has succeeded.
        try await harness.clock.untilSleeping(for: .seconds(20))
        let lost = QueueError(code: .init(rawValue: "ReceiptHandleIsInvalid"), kind: .badRequest, message: "gone")
        harness.queue.fail(.changeVisibility, with: lost)
        harness.clock.advance(by: .seconds(20))
        try await harness.untilSettled("lost")
        gate.open()
      }
    }
    #expect(try metrics.expectCounter("worker.leases.extended", [Self.queue]).totalValue == 1)
    #expect(try metrics.expectCounter("worker.leases.lost", [Self.queue]).totalValue == 1)
  }
}
