import Foundation
import Testing

@testable import WorkerKit

@Suite("Which event a message carries")
struct MessageIdentityTests {
  func message(_ attributes: [String: MessageAttribute] = [:], deduplicationID: String? = nil) -> ReceivedMessage {
    ReceivedMessage(
      id: "m-1", receiptHandle: "h", body: Array("hello".utf8), attributes: attributes,
      deduplicationID: deduplicationID)
  }

  @Test("a producer's key comes first")
  func producerKey() {
    let identity = MessageIdentity(message(["IdempotencyKey": .string("order-7")], deduplicationID: "d"))
    #expect(identity.idempotencyKey == "producer:order-7")
    #expect(identity.originalMessageID == "m-1")
  }

  @Test("a long key is known by its hash, and two long keys differ")
  func longKey() {
    let keys = ["a", "b"].map { last in
      MessageIdentity(message(["IdempotencyKey": .string(String(repeating: "k", count: 1000) + last)])).idempotencyKey
    }
    #expect(keys.allSatisfy { $0.utf8.count < 100 && $0.hasPrefix("producer-sha256:") })
    #expect(keys[0] != keys[1])
  }

  @Test("an explicit FIFO deduplication id comes next")
  func deduplicationID() {
    #expect(MessageIdentity(message(deduplicationID: "d-9")).idempotencyKey == "fifo:d-9")
  }

  @Test("a content-based deduplication id says nothing: the same prize given again is another prize")
  func contentBasedID() {
    // echo -n hello | sha256sum
    let hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    #expect(MessageIdentity(message(deduplicationID: hash)).idempotencyKey == "message:m-1")
  }

  @Test("a redriven dead letter keeps the id of the first message, however often it goes round")
  func redriven() throws {
    let failure = Failure(kind: .notFound, message: "no", settlement: .deadLetter)
    var current = message()
    for round in 2...4 {
      let letter = try #require(DeadLetterOffice.letter(for: current, failure: failure, isFIFO: false))
      current = ReceivedMessage(
        id: "m-\(round)", receiptHandle: "h", body: Array(letter.body.utf8), attributes: letter.attributes)
      #expect(MessageIdentity(current).originalMessageID == "m-1")
      #expect(MessageIdentity(current).idempotencyKey == "message:m-1")
    }
  }

  @Test("the key stays the same through a FIFO dead-letter queue and back", arguments: ["d-9", nil])
  func redrivenFIFO(deduplicationID: String?) throws {
    let failure = Failure(kind: .notFound, message: "no", settlement: .deadLetter)
    var current = message(deduplicationID: deduplicationID)
    let key = MessageIdentity(current).idempotencyKey
    for round in 2...4 {
      let letter = try #require(DeadLetterOffice.letter(for: current, failure: failure, isFIFO: true))
      current = ReceivedMessage(
        id: "m-\(round)", receiptHandle: "h", body: Array(letter.body.utf8), attributes: letter.attributes,
        deduplicationID: letter.deduplicationID)
      #expect(MessageIdentity(current).idempotencyKey == key)
    }
  }

  @Test("a WorkerFailure attribute cannot bring in a key without end")
  func carriedWithoutEnd() throws {
    let endless = String(repeating: "k", count: 100_000)
    for field in ["messageId", "idempotencyKey"] {
      var failure: [String: Any] = ["kind": "k", "message": "m", "receiveCount": 1, "messageId": "m-0"]
      failure[field] = endless
      let json = String(decoding: try JSONSerialization.data(withJSONObject: failure), as: UTF8.self)
      let identity = MessageIdentity(message(["WorkerFailure": .string(json)]))
      #expect(identity.originalMessageID == "m-1")
      #expect(identity.idempotencyKey == "message:m-1")
    }
  }

  @Test("someone else's WorkerFailure attribute carries no id", arguments: ["", "{}", "[]", #"{"messageId":5}"#])
  func foreignAttribute(text: String) {
    #expect(MessageIdentity(message(["WorkerFailure": .string(text)])).originalMessageID == "m-1")
  }
}
