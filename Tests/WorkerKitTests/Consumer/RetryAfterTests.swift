import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("A dependency that asks clients to wait", .timeLimit(.minutes(20)))
struct RetryAfterTests {
  private struct Busy: ClassifiedError {
    let kind = ErrorKind.throttled
    let retryAfter: Duration?
  }

  private func settlement(of error: any Error & Sendable, receiveCount: Int = 1) async -> Settlement {
    let harness = ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in throw error },
      backoff: Backoff(base: .seconds(2), factor: 2, max: .seconds(900), jitter: .none))
    return await harness.consumer.processor.process(
      ReceivedMessage(
        id: "m", receiptHandle: "h", body: Array(ConsumerHarness.greeting.utf8), receiveCount: receiveCount))
  }

  @Test(
    "the next attempt starts after that time or after the backoff, whichever is longer, and within twelve hours",
    arguments: [
      (nil, 1, 2), (Duration.zero, 1, 2), (.seconds(1), 1, 2), (.seconds(60), 1, 60), (.seconds(60), 7, 128),
      (.seconds(-5), 1, 2), (.seconds(86_400), 1, 43_200),
    ] as [(Duration?, Int, Int)])
  func delay(asked: Duration?, receiveCount: Int, expected: Int) async {
    let errors: [any Error & Sendable] = [
      Busy(retryAfter: asked), EventError(.throttled, "busy", retryAfter: asked),
    ]
    for error in errors {
      guard case .retry(let delay, _) = await settlement(of: error, receiveCount: receiveCount) else {
        Issue.record("a throttled event is tried again")
        continue
      }
      #expect(delay == .seconds(expected))
    }
  }

  @Test("it does not make a permanent failure transient")
  func permanent() async {
    #expect(await settlement(of: EventError(.conflict, "no", retryAfter: .seconds(60))).isDeadLetter)
  }

  @Test("an event that began before an outage and is asked to wait after it waits")
  func afterAnOutage() async throws {
    let busy = Plant.Busy(name: "Bob", retryAfter: .seconds(60))
    let plant = Plant(busy: busy)
    let harness = BreakerHarness(plant)
    harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting("Bob")))
    try await harness.run {
      try await busy.begun.wait { $0 == 1 }
      plant.isDown.update { $0 = true }
      harness.queue.put(OutgoingMessage(body: BreakerHarness.greeting))
      try await harness.pass { !harness.consumer.status.closedPlugins.isEmpty }
      plant.isDown.update { $0 = false }
      try await harness.pass(until: "handled", is: 1)
      #expect(harness.consumer.status.closedPlugins.isEmpty)
      let asked = harness.clock.now
      busy.gate.open()
      try await harness.pass(until: "handled", is: 2)
      #expect(asked.duration(to: harness.clock.now) >= .seconds(60))
    }
    #expect(harness.consumer.outcomeCounts.outcomes["retried"] == nil, "it uses up no receive")
  }

  @Test("an open circuit breaker sends no probe before that time")
  func probes() {
    var state = BreakerState(hasCheck: false)
    func failure(_ retryAfter: Duration?) -> HandlingFailure {
      HandlingFailure(
        kind: .throttled, message: "busy", retryAfter: retryAfter, settlement: .retry(after: retryAfter ?? .zero))
    }
    for (id, asked) in [("a", Duration.seconds(100)), ("b", nil)] {
      let verdict = state.record(.failed(failure(asked), messageID: id), of: .ordinary(streak: 0), at: .zero)
      guard case .undecided = verdict else {
        Issue.record("an outage is not decided yet")
        return
      }
    }
    #expect(state.nextStep(at: CircuitBreaker.patience) == .wait(until: .seconds(100)))
    #expect(state.problem != nil)
    #expect(!state.wantsProbe)
    #expect(state.nextStep(at: .seconds(100)) == .wait(until: nil))
    #expect(state.wantsProbe)
    // The dependency asks the probe to wait as well.
    _ = state.record(.failed(failure(.seconds(500)), messageID: "a"), of: .probe, at: .seconds(100))
    #expect(state.nextStep(at: .seconds(200)) == .wait(until: .seconds(600)))
  }
}
