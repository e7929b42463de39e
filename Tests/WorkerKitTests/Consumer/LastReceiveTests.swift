import Foundation
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("The last receive that the redrive policy allows", .timeLimit(.minutes(20)))
struct LastReceiveTests {
  private func makeHarness(_ error: EventError = EventError(.unexpected, "never")) -> ConsumerHarness {
    ConsumerHarness(
      handler: ClosureHandler { (_: Greeting, _) in throw error },
      backoff: Backoff(base: .milliseconds(1), factor: 1, max: .seconds(1), jitter: .none))
  }

  private func failure(_ harness: ConsumerHarness) throws -> WorkerFailure {
    let deadLetter = try #require(harness.deadLetters.messages.first)
    let json = try #require(deadLetter.attributes["WorkerFailure"]?.stringValue)
    return try JSONDecoder().decode(WorkerFailure.self, from: Data(json.utf8))
  }

  /// Lets a message fail until it was settled otherwise than to be tried again.
  private func fail(_ harness: ConsumerHarness, times: Int, then outcome: String) async throws {
    for count in 1...times {
      try await harness.untilSettled("retried", count: count)
      harness.clock.advance(by: .seconds(2))
    }
    try await harness.untilSettled(outcome)
  }

  @Test("the message is dead-lettered with its attempts, as it came")
  func exhausted() async throws {
    let harness = makeHarness()
    let id = harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting, attributes: ["k": .string("v")]))
    try await harness.run { try await fail(harness, times: 2, then: "dead-lettered") }
    let failure = try failure(harness)
    #expect(failure.messageId == id)
    #expect(failure.receiveCount == 3)
    #expect(failure.attempts?.map(\.kind) == ["unexpected", "unexpected", "unexpected"])
    #expect(failure.attempts?.map(\.message) == ["never", "never", "never"])
    #expect(harness.deadLetters.messages.first?.attributes["k"] == .string("v"))
    #expect(harness.queue.messages.isEmpty)
  }

  @Test("one that cannot be sent is left to the queue's own redrive policy, which keeps its id")
  func cannotBeSent() async throws {
    let harness = makeHarness()
    harness.deadLetters.fail(
      .send, with: QueueError(code: .init(rawValue: "AccessDenied"), kind: .badRequest, message: "no"))
    let id = harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run {
      for count in 1...3 {
        try await harness.untilSettled("retried", count: count)
        harness.clock.advance(by: .seconds(2))
      }
      try await yieldUntil { !harness.deadLetters.messages.isEmpty }
    }
    #expect(harness.deadLetters.messages.map(\.id) == [id])
    #expect(harness.deadLetters.messages.first?.attributes["WorkerFailure"] == nil)
  }

  @Test("without a redrive policy there is no last receive")
  func noPolicy() async throws {
    let harness = makeHarness()
    harness.queue.redrive = nil
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
    try await harness.run { try await fail(harness, times: 5, then: "retried") }
    #expect(harness.deadLetters.messages.isEmpty)
    #expect(harness.consumer.outcomeCounts.outcomes["dead-lettered"] == nil)
  }

  @Test(
    "a policy that changes counts after a minute, one that could not be read as soon as it can be",
    arguments: [true, false])
  func changedPolicy(isKnownAtStart: Bool) async throws {
    let harness = makeHarness()
    if !isKnownAtStart {
      harness.queue.fail(
        .attributes, with: QueueError(code: .init(rawValue: "Down"), kind: .unavailable, message: "no"))
    }
    try await harness.run {
      if isKnownAtStart {
        // The start has read it.
        try await yieldUntil { harness.consumer.progress.knownRedriveLimit == 3 }
        harness.queue.redrive = .init(to: harness.deadLetters, maxReceiveCount: 1)
      }
      harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
      try await harness.untilSettled("retried")
      if isKnownAtStart {
        // Within the minute nothing is read.
        #expect(harness.consumer.progress.knownRedriveLimit == 3)
        harness.clock.advance(by: .seconds(60))
        harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
        try await harness.untilSettled("retried", count: 2)
        try await yieldUntil { harness.consumer.progress.knownRedriveLimit == 1 }
        harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting))
        try await harness.untilSettled("dead-lettered")
        #expect(harness.consumer.outcomeCounts.outcomes["retried"] == 2)
      } else {
        try await yieldUntil { harness.consumer.progress.knownRedriveLimit == 3 }
      }
    }
  }

  @Test("a message is remembered with its last five failures, and no more messages than there is room for")
  func memory() {
    let attempts = FailedAttempts()
    func failure(_ text: String) -> FailedAttempt {
      FailedAttempt(
        HandlingFailure(kind: .timeout, message: text, settlement: .leave), at: Date(timeIntervalSince1970: 0))
    }
    for number in 1...7 { _ = attempts.add(failure("\(number)"), of: "m") }
    for number in 0..<FailedAttempts.messageLimit { _ = attempts.add(failure("x"), of: "other-\(number)") }
    #expect(attempts.add(failure("8"), of: "m").map(\.message) == ["4", "5", "6", "7", "8"])
    attempts.forget("m")
    #expect(attempts.add(failure("9"), of: "m").map(\.message) == ["9"])
    for number in 0..<2 * FailedAttempts.messageLimit { _ = attempts.add(failure("x"), of: "another-\(number)") }
    #expect(attempts.add(failure("10"), of: "m").map(\.message) == ["10"])
    let long = failure(String(repeating: "é", count: 10_000))
    #expect(long.message.count <= 201 && long.at == "1970-01-01T00:00:00Z")
  }

  @Test("attempts give way to what a dead letter needs more, the oldest first")
  func size() throws {
    var failure = HandlingFailure(kind: .timeout, message: "slow", settlement: .deadLetter)
    failure.attempts = (1...5).map { number in
      FailedAttempt(
        HandlingFailure(kind: .timeout, message: "attempt \(number)", settlement: .leave),
        at: Date(timeIntervalSince1970: 0))
    }
    let message = ReceivedMessage(id: "m", receiptHandle: "h", body: [])
    let whole = WorkerFailure(failure, of: message, in: "events")
    func fitted(_ limit: Int) throws -> WorkerFailure? {
      try whole.attribute(fitting: limit)?.stringValue.map {
        try JSONDecoder().decode(WorkerFailure.self, from: Data($0.utf8))
      }
    }
    let size = try #require(whole.attribute(fitting: .max)).size(named: WorkerFailure.attributeName)
    #expect(try fitted(size)?.attempts?.count == 5)
    #expect(try fitted(size - 1)?.attempts?.map(\.message).first == "attempt 2")
    let small = try #require(try fitted(200))
    #expect(small.attempts == nil && small.message == "slow" && small.messageId == "m")
  }
}
