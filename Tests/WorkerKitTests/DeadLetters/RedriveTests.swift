import Foundation
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Redriving dead letters")
struct RedriveTests {
  let box = DeadLetterQueueFake()

  /// The idempotency key that the worker derives for each message of the queue.
  func keys(of queue: InMemoryQueue) -> [String] { queue.messages.map { MessageIdentity($0).idempotencyKey } }

  @Test("a dead letter of the worker is redriven as the original event")
  func written() async throws {
    try box.putWritten("m-1", attributes: ["source": .string("bot")])
    let (outcomes, _) = await box.redrive()
    #expect(outcomes.count == 1 && outcomes.allSatisfy(\.isGone))
    let message = try #require(box.queue.messages.first)
    #expect(String(decoding: message.body, as: UTF8.self) == DeadLetterQueueFake.body)
    #expect(message.attributes["source"] == .string("bot"))
    #expect(MessageIdentity(message).idempotencyKey == "message:m-1")
    #expect(MessageIdentity(message).originalMessageID == "m-1")
    #expect(box.deadLetters.messages.isEmpty)
  }

  @Test("a message that the redrive policy moved keeps its id through any number of redrives")
  func moved() async throws {
    let id = try await box.putMoved()
    for _ in 1...3 {
      #expect(await box.redrive().outcomes.map(\.originalMessageID) == [id])
      #expect(keys(of: box.queue) == ["message:\(id)"])
      try await box.moveAll()
      let deadLetter = try #require(try await box.read().deadLetters.first)
      #expect(deadLetter.kind == nil, "the failure that it carries is of the time before")
      #expect(deadLetter.claimedFailure?.messageId == id)
    }
  }

  @Test("a failure record from before a redrive is not reported as the current failure")
  func claimedFailure() async throws {
    try box.putWritten("m-1", kind: .conflict)
    _ = await box.redrive()
    try await box.moveAll()
    let deadLetter = try #require(try await box.read().deadLetters.first)
    #expect(deadLetter.kind == nil)
    #expect(deadLetter.claimedFailure?.kind == "conflict")
    #expect(deadLetter.originalMessageID == "m-1")
  }

  @Test(
    "a FIFO dead-letter queue has other deduplication ids; the event keeps its identity",
    arguments: [nil, "daily-42"])
  func keysInFIFO(deduplicationID: String?) async throws {
    let box = DeadLetterQueueFake(fifo: true)
    let first = OutgoingMessage(body: DeadLetterQueueFake.body, groupID: "g", deduplicationID: deduplicationID)
    let id = try await box.putMoved(first)
    #expect(box.deadLetters.messages.first?.deduplicationID == id)
    #expect(await box.redrive().outcomes.allSatisfy(\.isGone))
    #expect(keys(of: box.queue) == ["message:\(id)"])
    #expect(box.queue.messages.first?.groupID == "g")
    #expect(box.queue.messages.first?.deduplicationID == "redrive-\(id)")
  }

  @Test("if several queues share a dead-letter queue, each gets only its own dead letters back")
  func sharedByQueues() async throws {
    let id = try await box.putMoved()
    try box.putWritten("m-1")
    let other = InMemoryQueue("others", redrive: .init(to: box.deadLetters, maxReceiveCount: 1))
    let theirs = other.put(OutgoingMessage(body: DeadLetterQueueFake.body))
    _ = try await other.receive(maxMessages: 1, waitTime: .zero, visibilityTimeout: .zero)
    _ = try await other.receive(maxMessages: 1, waitTime: .zero, visibilityTimeout: .zero)
    var filter = DeadLetterFilter()
    filter.queue = "events"
    let (outcomes, visit) = await box.redrive(filter)
    #expect(Set(outcomes.map(\.originalMessageID)) == [id, "m-1"])
    #expect(box.queue.messages.count == 2)
    #expect(box.deadLetters.messages.map(\.id) == [theirs])
    #expect(visit.ofOtherQueues == 1 && visit.otherQueues == ["others"])
    filter.queue = "others"
    #expect(await box.redrive(filter, to: other).outcomes.map(\.id) == [theirs])
    #expect(other.messages.count == 1)
  }

  @Test("a failure record that a message already carried is not the worker's")
  func forgedFailure() async throws {
    let json = #"{"kind":"notFound","message":"no","receiveCount":1,"messageId":"m-0","queue":"other"}"#
    _ = try await box.putMoved(
      OutgoingMessage(body: DeadLetterQueueFake.body, attributes: ["WorkerFailure": .string(json)]))
    let deadLetter = try #require(try await box.read().deadLetters.first)
    #expect(deadLetter.failure == nil)
    #expect(deadLetter.kind == nil)
    #expect(deadLetter.claimedFailure?.kind == "notFound")
    #expect(deadLetter.queue == "events")
  }

  @Test("ten attributes leave no room for the id: without a producer's key the dead letter stays, with the reason")
  func noRoom() async throws {
    var attributes = Dictionary(uniqueKeysWithValues: (1...9).map { ("a\($0)", MessageAttribute.string("v")) })
    attributes["a10"] = .string("v")
    let id = try await box.putMoved(OutgoingMessage(body: DeadLetterQueueFake.body, attributes: attributes))
    attributes["a10"] = nil
    attributes["IdempotencyKey"] = .string("order-7")
    _ = try await box.putMoved(OutgoingMessage(body: DeadLetterQueueFake.body, attributes: attributes))
    let (outcomes, _) = await box.redrive()
    #expect(keys(of: box.queue) == ["producer:order-7"])
    #expect(box.deadLetters.messages.map(\.id) == [id])
    #expect(try await box.visible() == 1)
    let kept = try #require(outcomes.first { !$0.isGone })
    #expect("\(kept.result)".contains("leave no room"))
  }

  @Test("near the size limit a dead letter is redriven or left unchanged", arguments: [0, 60, 200, 400, 2000])
  func size(room: Int) async throws {
    let body = String(repeating: "x", count: OutgoingMessage.sizeLimit - room)
    let id = try await box.putMoved(OutgoingMessage(body: body))
    _ = await box.redrive()
    #expect(box.queue.messages.count + box.deadLetters.messages.count == 1)
    for message in box.queue.messages {
      #expect(MessageIdentity(message).idempotencyKey == "message:\(id)")
      #expect(
        message.attributes.reduce(message.body.count) { $0 + $1.value.size(named: $1.key) }
          <= OutgoingMessage.sizeLimit)
    }
  }

  @Test("a body that is not text stays, because it cannot be sent unchanged")
  func binaryBody() async throws {
    box.deadLetters.put(body: [0xFF, 0xFE])
    #expect(await box.redrive().outcomes.map(\.isGone) == [false])
    #expect(try await box.visible() == 1)
  }

  @Test("a foreign WorkerFailure attribute is replaced by the worker's")
  func foreignAttribute() async throws {
    let id = try await box.putMoved(OutgoingMessage(body: "{}", attributes: ["WorkerFailure": .string("oops")]))
    _ = await box.redrive()
    #expect(keys(of: box.queue) == ["message:\(id)"])
  }

  @Test("a dry run reports what would happen, and changes nothing")
  func dryRun() async throws {
    try box.putWritten("m-1")
    let (outcomes, _) = await box.redrive(isDryRun: true)
    #expect(outcomes.map(\.isPlanned) == [true])
    #expect(box.queue.messages.isEmpty)
    #expect(try await box.visible() == 1)
  }

  @Test("an event that is dead-lettered again during the redrive is not redriven endlessly")
  func circle() async throws {
    try box.putWritten("m-1")
    let putter = PickyQueue(
      queue: box.deadLetters, onReceive: { if box.deadLetters.messages.isEmpty { _ = try? box.putWritten("m-1") } })
    let (outcomes, visit) = await box.redrive(from: putter)
    #expect(outcomes.map(\.isGone) == [true, false])
    #expect(visit.received == 2)
    #expect(try await box.visible() == 1)
  }
}
