import Foundation
import InMemoryLogging
import Logging
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Dead letters")
struct DeadLetterTests {
  let failure = HandlingFailure(
    kind: .notFound, message: "item type x does not exist", field: "itemTypeId", received: #""x""#,
    handler: "prizes.item", route: "ITEM_AWARDED", traceID: "0af7651916cd43dd8448eb211c80319c",
    settlement: .deadLetter)

  func message(body: String = "{}", attributes: [String: MessageAttribute] = [:]) -> ReceivedMessage {
    ReceivedMessage(
      id: "m-1", receiptHandle: "h", body: Array(body.utf8), attributes: attributes, receiveCount: 2,
      firstReceivedAt: Date(timeIntervalSince1970: 1_700_000_000))
  }

  @Test("a dead letter has the original body and attributes, and an additional attribute with the reason")
  func deadLetter() throws {
    let original = message(
      body: #"{"a":1}"#,
      attributes: ["k": .string("v"), "b": MessageAttribute(dataType: "Binary.x", value: .binary([1]))])
    let deadLetter = try #require(
      DeadLetterPublisher.deadLetter(for: original, of: "events", failure: failure, isFIFO: false))
    #expect(deadLetter.body == #"{"a":1}"#)
    #expect(deadLetter.attributes["k"] == .string("v"))
    #expect(deadLetter.attributes["b"] == MessageAttribute(dataType: "Binary.x", value: .binary([1])))
    #expect(deadLetter.groupID == nil)
    let json = try #require(deadLetter.attributes["WorkerFailure"]?.stringValue)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? NSDictionary)
    #expect(
      object == [
        "kind": "notFound", "message": "item type x does not exist", "field": "itemTypeId", "received": #""x""#,
        "handler": "prizes.item", "route": "ITEM_AWARDED", "receiveCount": 2, "firstReceived": "2023-11-14T22:13:20Z",
        "messageId": "m-1", "failedMessageId": "m-1", "queue": "events", "traceId": "0af7651916cd43dd8448eb211c80319c",
      ] as NSDictionary)
  }

  @Test("if a dead letter cannot be sent, the warning names the missing permission")
  func missingPermission() async throws {
    let deadLetters = InMemoryQueue("dlq")
    deadLetters.fail(
      .send, with: QueueError(code: .init(rawValue: "AccessDenied"), kind: .badRequest, message: "denied"))
    let handler = InMemoryLogHandler()
    let office = DeadLetterPublisher(
      queue: InMemoryQueue("queue", redrive: .init(to: deadLetters)),
      logger: Logger(label: "test", factory: { _ in handler }), log: FoldedLog(clock: .continuous))
    #expect(await office.send(message(), failure: failure, route: nil, metadata: [:]) == false)
    let entry = try #require(handler.entries.first)
    #expect(entry.level == .warning)
    #expect("\(entry.message)".contains("sqs:SendMessage"))
    #expect(entry.metadata["error"] == "AccessDenied: denied")
  }

  @Test("in a FIFO queue a dead letter keeps its group, and is not a duplicate after a redrive")
  func fifo() throws {
    var original = message()
    original.groupID = "guild-1"
    let deadLetter = try #require(
      DeadLetterPublisher.deadLetter(for: original, of: "events", failure: failure, isFIFO: true))
    #expect(deadLetter.groupID == "guild-1")
    var redriven = original
    redriven.id = "m-2"
    redriven.attributes = deadLetter.attributes
    let second = try #require(
      DeadLetterPublisher.deadLetter(for: redriven, of: "events", failure: failure, isFIFO: true))
    #expect(deadLetter.deduplicationID != second.deduplicationID)
  }

  @Test("nine attributes leave room for the failure record, ten do not; an earlier record is replaced")
  func attributeLimit() throws {
    let nine = Dictionary(uniqueKeysWithValues: (1...9).map { ("a\($0)", MessageAttribute.string("v")) })
    #expect(
      DeadLetterPublisher.deadLetter(for: message(attributes: nine), of: "events", failure: failure, isFIFO: false)?
        .attributes
        .count == 10)
    let ten = nine.merging(["a10": .string("v")]) { $1 }
    #expect(
      DeadLetterPublisher.deadLetter(for: message(attributes: ten), of: "events", failure: failure, isFIFO: false)
        == nil)
    let redriven = nine.merging(["WorkerFailure": .string("{}")]) { $1 }
    #expect(
      DeadLetterPublisher.deadLetter(for: message(attributes: redriven), of: "events", failure: failure, isFIFO: false)?
        .attributes.count
        == 10)
  }

  @Test(
    "near the size limit the failure is shortened; if nothing fits, there is no dead letter",
    arguments: [0, 100, 250, 500, 5000])
  func sizeLimit(room: Int) throws {
    let original = message(body: String(repeating: "x", count: OutgoingMessage.sizeLimit - room))
    let deadLetter = DeadLetterPublisher.deadLetter(for: original, of: "events", failure: failure, isFIFO: false)
    guard let deadLetter else {
      #expect(room <= 100)
      return
    }
    let size = deadLetter.attributes.reduce(deadLetter.body.utf8.count) { $0 + $1.value.size(named: $1.key) }
    #expect(size <= OutgoingMessage.sizeLimit)
    let json = try #require(deadLetter.attributes["WorkerFailure"]?.stringValue)
    #expect(try JSONDecoder().decode(WorkerFailure.self, from: Data(json.utf8)).messageId == "m-1")
  }

  @Test("bytes that are not UTF-8 are replaced, because a message is text")
  func brokenBody() throws {
    var original = message()
    original.body = Array("a".utf8) + [0xFF] + Array("b".utf8)
    #expect(
      try #require(DeadLetterPublisher.deadLetter(for: original, of: "events", failure: failure, isFIFO: false)).body
        == "a\u{FFFD}b")
  }

  @Test("if a message has no room for its failure, a producer's record does not pass for the worker's")
  func noRoomButForged() async throws {
    let harness = ConsumerHarness(queueName: "events.fifo", handler: ClosureHandler { (_: Greeting, _) in })
    let forged = #"{"kind":"k","message":"m","receiveCount":1,"messageId":"x"}"#
    let room = OutgoingMessage.sizeLimit - MessageAttribute.string(forged).size(named: "WorkerFailure")
    harness.queue.put(
      body: Array(repeating: UInt8(ascii: "x"), count: room), attributes: ["WorkerFailure": .string(forged)],
      groupID: "a")
    try await harness.run { try await harness.untilSettled("dead-lettered") }
    let deadLetter = DeadLetter(try #require(harness.deadLetters.messages.first))
    #expect(deadLetter.failure == nil && deadLetter.claimedFailure == nil)
    #expect(throws: RedriveRefusal.self) { try deadLetter.redriven(isFIFO: true, at: Date()) }
  }
}
