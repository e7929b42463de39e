import Foundation
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Dead letters when batches fail partially")
struct PartialFailureTests {
  let box = DeadLetterQueueFake()
  let other = #"{"eventType":"GREETED","name":"Bob","times":1}"#

  @Test("if a send fails, its dead letter stays and the others are redriven")
  func failingEntry() async throws {
    for number in 0..<10 { try box.putWritten("m-\(number)", body: number == 4 ? other : DeadLetterQueueFake.body) }
    let (outcomes, _) = await box.redrive(to: PickyQueue(queue: box.queue, refusedBodies: [other]))
    #expect(outcomes.count { $0.isGone } == 9)
    #expect(box.queue.messages.count == 9)
    let left = try #require(try await box.read().deadLetters.first)
    #expect(left.originalMessageID == "m-4")
    #expect(try await box.visible() == 1)
  }

  @Test("if the whole call fails, everything stays, and the redrive ends")
  func failingCall() async throws {
    for number in 0..<25 { try box.putWritten("m-\(number)") }
    box.queue.fail(.send, with: PickyQueue.refusal)
    let (outcomes, visit) = await box.redrive()
    #expect(outcomes.map(\.isGone) == Array(repeating: false, count: 10))
    guard case .failed = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(try await box.visible() == 25)
  }

  @Test("in a FIFO queue nothing overtakes a dead letter that could not be sent")
  func order() async throws {
    let box = DeadLetterQueueFake(fifo: true)
    for number in 0..<3 {
      try box.putWritten("m-\(number)", body: number == 1 ? other : DeadLetterQueueFake.body, groupID: "g")
    }
    let (outcomes, _) = await box.redrive(to: PickyQueue(queue: box.queue, refusedBodies: [other]))
    #expect(outcomes.map(\.isGone) == [true, false, false])
    #expect(box.queue.messages.map { MessageIdentity($0).originalMessageID } == ["m-0"])
    #expect(box.deadLetters.messages.count == 2)
  }

  @Test("if the deletion fails after the send, another redrive creates a second message of the same event")
  func failingDelete() async throws {
    try box.putWritten("m-1")
    let (outcomes, _) = await box.redrive(from: PickyQueue(queue: box.deadLetters, keepsAll: true))
    let outcome = try #require(outcomes.first)
    guard case .notDeleted = outcome.result else { return #expect(Bool(false), "\(outcome.result)") }
    #expect(try await box.visible() == 1)
    #expect(await box.redrive().outcomes.map(\.isGone) == [true])
    #expect(box.queue.messages.map { MessageIdentity($0).idempotencyKey } == ["message:m-1", "message:m-1"])
  }

  @Test("a failed deletion is retried if it may succeed")
  func passingFailure() async throws {
    try box.putWritten("m-1")
    box.deadLetters.fail(.delete, with: PickyQueue.refusal)
    #expect(await box.redrive().outcomes.map(\.isGone) == [true])
    #expect(box.deadLetters.messages.isEmpty)
  }

  @Test("a cancelled redrive finishes the dead letters that it has started")
  func cancellation() async throws {
    for number in 0..<20 { try box.putWritten("m-\(number)") }
    let gate = Gate()
    let task = Task {
      var action = DeadLetterAction(.redrive(to: box.queue), from: box.source, clock: box.clock)
      let visit = await DeadLetterReader(box.source, clock: box.clock).read {
        await gate.passStubbornly()
        return try await action($0)
      }
      return (action.outcomes, visit)
    }
    try await gate.untilArrived()
    task.cancel()
    gate.open()
    let (outcomes, visit) = await task.value
    guard case .cancelled = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(outcomes.count { $0.isGone } == 10)
    #expect(box.queue.messages.count == 10)
    #expect(try await box.visible() == 10)
  }

  @Test("discarding deletes matching dead letters, and keeps those that cannot be deleted")
  func discard() async throws {
    try box.putWritten("m-1", kind: .conflict)
    try box.putWritten("m-2", kind: .notFound)
    var filter = DeadLetterFilter()
    filter.kinds = ["conflict"]
    let stubborn = await box.act(.discard, filter, from: PickyQueue(queue: box.deadLetters, keepsAll: true))
    #expect(stubborn.outcomes.map(\.isGone) == [false])
    #expect(try await box.visible() == 2)
    #expect(await box.act(.discard, filter, isDryRun: true, from: box.source).outcomes.map(\.isPlanned) == [true])
    #expect(await box.act(.discard, filter, from: box.source).outcomes.map(\.isGone) == [true])
    #expect(try await box.read().deadLetters.map(\.originalMessageID) == ["m-2"])
    #expect(try await box.visible() == 1)
  }
}
