import Foundation
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("The identity of a message's event")
struct MessageIdentityTests {
  func message(_ attributes: [String: MessageAttribute] = [:], deduplicationID: String? = nil) -> ReceivedMessage {
    ReceivedMessage(
      id: "m-1", receiptHandle: "h", body: Array("hello".utf8), attributes: attributes,
      deduplicationID: deduplicationID)
  }

  @Test("a producer's key takes precedence")
  func producerKey() {
    let identity = MessageIdentity(message(["IdempotencyKey": .string("order-7")], deduplicationID: "d"))
    #expect(identity.idempotencyKey == "producer:order-7")
    #expect(identity.originalMessageID == "m-1")
  }

  @Test("a long key is replaced by its hash, and two long keys differ")
  func longKey() {
    let keys = ["a", "b"].map { last in
      MessageIdentity(message(["IdempotencyKey": .string(String(repeating: "k", count: 1000) + last)])).idempotencyKey
    }
    #expect(keys.allSatisfy { $0.utf8.count < 100 && $0.hasPrefix("producer-sha256:") })
    #expect(keys[0] != keys[1])
  }

  @Test(
    "a key of any type is identified by its bytes, and text is distinguished from bytes",
    arguments: [
      ("String", .string("42"), "producer:42"), ("Number", .string("42"), "producer:42"),
      ("Number.int", .string("42"), "producer:42"), ("Number", .string("42.0"), "producer:42.0"),
      ("String.custom", .string("é"), "producer:é"), ("Binary", .binary([0x34, 0x32]), "producer-binary:NDI="),
      ("Binary.uuid", .binary([0, 255]), "producer-binary:AP8="),
      // python3 -c 'import hashlib; print(hashlib.sha256(bytes(257)).hexdigest())'
      (
        "Binary", .binary(Array(repeating: 0, count: 257)),
        "producer-binary-sha256:6c934d0cdf9dba94b474d6d1929f16739bd9a8ed31d0c3bcaf82c283fb7a3568"
      ),
    ] as [(String, MessageAttribute.Value, String)])
  func types(dataType: String, value: MessageAttribute.Value, key: String) {
    let identity = MessageIdentity(message(["IdempotencyKey": MessageAttribute(dataType: dataType, value: value)]))
    #expect(identity.idempotencyKey == key)
    #expect(identity.problem == nil)
  }

  @Test(
    "an invalid key is a problem of its field",
    arguments: [
      ("String", .string("")), ("Number", .string("")), ("Binary", .binary([])), ("Binary", .string("")),
      ("Binary", .string("text")), ("String", .binary([1])), ("StringList", .string("a")), ("", .string("a")),
    ] as [(String, MessageAttribute.Value)])
  func unusable(dataType: String, value: MessageAttribute.Value) throws {
    let identity = MessageIdentity(message(["IdempotencyKey": MessageAttribute(dataType: dataType, value: value)]))
    let problem = try #require(identity.problem as? EventError)
    #expect(problem.kind == .validation)
    #expect(problem.field == "IdempotencyKey")
    #expect(identity.idempotencyKey == "message:m-1")
  }

  @Test("an event with an invalid key is dead-lettered, and not handled")
  func unusableIsDeadLettered() async throws {
    let handled = AsyncValue(0)
    let harness = ConsumerHarness(handler: ClosureHandler { (_: Greeting, _) in handled.update { $0 += 1 } })
    let key = MessageAttribute(dataType: "Binary", value: .binary([]))
    harness.queue.put(OutgoingMessage(body: ConsumerHarness.greeting, attributes: ["IdempotencyKey": key]))
    try await harness.run { try await harness.untilSettled("dead-lettered") }
    let deadLetter = DeadLetter(try #require(harness.deadLetters.messages.first))
    #expect(deadLetter.failure?.kind == "validation")
    #expect(deadLetter.failure?.field == "IdempotencyKey")
    #expect(deadLetter.failure?.received == "an empty one of type Binary")
    #expect(deadLetter.failure?.queue == "events")
    #expect(deadLetter.message.attributes["IdempotencyKey"] == key)
    #expect(handled.value == 0)
  }

  @Test("a deduplication id is not used as identity, whether chosen or content-based")
  func deduplicationID() {
    // echo -n hello | sha256sum
    let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    for id in ["daily-42", hash] {
      #expect(MessageIdentity(message(deduplicationID: id)).idempotencyKey == "message:m-1")
    }
  }

  @Test("a redriven dead letter keeps the id of the first message through any number of redrives")
  func redriven() throws {
    let failure = HandlingFailure(kind: .notFound, message: "no", settlement: .deadLetter)
    var current = message()
    for round in 2...4 {
      let deadLetter = try #require(
        DeadLetterPublisher.deadLetter(for: current, of: "events", failure: failure, isFIFO: false))
      current = ReceivedMessage(
        id: "m-\(round)", receiptHandle: "h", body: Array(deadLetter.body.utf8), attributes: deadLetter.attributes)
      #expect(MessageIdentity(current).originalMessageID == "m-1")
      #expect(MessageIdentity(current).idempotencyKey == "message:m-1")
    }
  }

  @Test("the key stays the same through a FIFO dead-letter queue and back", arguments: ["d-9", nil])
  func redrivenFIFO(deduplicationID: String?) throws {
    let failure = HandlingFailure(kind: .notFound, message: "no", settlement: .deadLetter)
    var current = message(deduplicationID: deduplicationID)
    let key = MessageIdentity(current).idempotencyKey
    for round in 2...4 {
      let deadLetter = try #require(
        DeadLetterPublisher.deadLetter(for: current, of: "events", failure: failure, isFIFO: true))
      current = ReceivedMessage(
        id: "m-\(round)", receiptHandle: "h", body: Array(deadLetter.body.utf8), attributes: deadLetter.attributes,
        deduplicationID: deadLetter.deduplicationID)
      #expect(MessageIdentity(current).idempotencyKey == key)
    }
  }

  @Test(
    "a WorkerFailure attribute provides an id of 1 to 100 bytes", arguments: [0, 1, 100, 101, 100_000])
  func carriedID(length: Int) throws {
    let id = String(repeating: "i", count: length)
    let failure: [String: Any] = ["kind": "k", "message": "m", "receiveCount": 1, "messageId": id]
    let json = String(decoding: try JSONSerialization.data(withJSONObject: failure), as: UTF8.self)
    let identity = MessageIdentity(message(["WorkerFailure": .string(json)]))
    #expect(identity.originalMessageID == ((1...100).contains(length) ? id : "m-1"))
  }

  @Test("a WorkerFailure attribute provides no key, and does not replace a producer's")
  func carriedKey() {
    let json = #"{"kind":"k","message":"m","receiveCount":1,"messageId":"m-0","idempotencyKey":"producer:theirs"}"#
    var attributes = ["WorkerFailure": MessageAttribute.string(json)]
    #expect(MessageIdentity(message(attributes)).idempotencyKey == "message:m-0")
    attributes["IdempotencyKey"] = .string("ours")
    #expect(MessageIdentity(message(attributes)).idempotencyKey == "producer:ours")
  }

  @Test("a foreign WorkerFailure attribute provides no id", arguments: ["", "{}", "[]", #"{"messageId":5}"#])
  func foreignAttribute(text: String) {
    #expect(MessageIdentity(message(["WorkerFailure": .string(text)])).originalMessageID == "m-1")
  }
}
