import Foundation
import InMemoryLogging
import Logging
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Dead letters")
struct DeadLetterTests {
  let failure = Failure(
    kind: .notFound, message: "item type x does not exist", field: "itemTypeId", received: #""x""#,
    handler: "prizes.item", route: "ITEM_AWARDED", traceID: "0af7651916cd43dd8448eb211c80319c",
    settlement: .deadLetter)

  func message(body: String = "{}", attributes: [String: MessageAttribute] = [:]) -> ReceivedMessage {
    ReceivedMessage(
      id: "m-1", receiptHandle: "h", body: Array(body.utf8), attributes: attributes, receiveCount: 2,
      firstReceivedAt: Date(timeIntervalSince1970: 1_700_000_000))
  }

  @Test("a letter has the original body and attributes, and one attribute more that says why")
  func letter() throws {
    let original = message(
      body: #"{"a":1}"#,
      attributes: ["k": .string("v"), "b": MessageAttribute(dataType: "Binary.x", value: .binary([1]))])
    let letter = try #require(DeadLetterOffice.letter(for: original, failure: failure, isFIFO: false))
    #expect(letter.body == #"{"a":1}"#)
    #expect(letter.attributes["k"] == .string("v"))
    #expect(letter.attributes["b"] == MessageAttribute(dataType: "Binary.x", value: .binary([1])))
    #expect(letter.groupID == nil)
    let json = try #require(letter.attributes["WorkerFailure"]?.stringValue)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? NSDictionary)
    #expect(
      object == [
        "kind": "notFound", "message": "item type x does not exist", "field": "itemTypeId", "received": #""x""#,
        "handler": "prizes.item", "route": "ITEM_AWARDED", "receiveCount": 2, "firstReceived": "2023-11-14T22:13:20Z",
        "messageId": "m-1", "idempotencyKey": "message:m-1", "traceId": "0af7651916cd43dd8448eb211c80319c",
      ] as NSDictionary)
  }

  @Test("where a letter cannot be sent, the warning names the permission that is missing")
  func missingPermission() async throws {
    let deadLetters = InMemoryQueue("dlq")
    deadLetters.fail(
      .send, with: QueueError(code: .init(rawValue: "AccessDenied"), kind: .badRequest, message: "denied"))
    let handler = InMemoryLogHandler()
    let office = DeadLetterOffice(
      queue: InMemoryQueue("queue", redrive: .init(to: deadLetters)),
      logger: Logger(label: "test", factory: { _ in handler }))
    #expect(
      await office.send(
        Delivery(message: message(), receivedAt: .zero, visibilityTimeout: .seconds(30)), failure: failure) == false)
    let entry = try #require(handler.entries.first)
    #expect(entry.level == .warning)
    #expect("\(entry.message)".contains("sqs:SendMessage"))
    #expect(entry.metadata["error"] == "AccessDenied: denied")
  }

  @Test("in a FIFO queue a letter keeps its group, and one that was redriven is no duplicate of its first")
  func fifo() throws {
    var original = message()
    original.groupID = "guild-1"
    let letter = try #require(DeadLetterOffice.letter(for: original, failure: failure, isFIFO: true))
    #expect(letter.groupID == "guild-1")
    var redriven = original
    redriven.id = "m-2"
    redriven.attributes = letter.attributes
    let second = try #require(DeadLetterOffice.letter(for: redriven, failure: failure, isFIFO: true))
    #expect(letter.deduplicationID != second.deduplicationID)
  }

  @Test("nine attributes leave room for ours, ten do not; a failure of before gives its place")
  func attributeLimit() throws {
    let nine = Dictionary(uniqueKeysWithValues: (1...9).map { ("a\($0)", MessageAttribute.string("v")) })
    #expect(
      DeadLetterOffice.letter(for: message(attributes: nine), failure: failure, isFIFO: false)?.attributes.count == 10)
    let ten = nine.merging(["a10": .string("v")]) { $1 }
    #expect(DeadLetterOffice.letter(for: message(attributes: ten), failure: failure, isFIFO: false) == nil)
    let redriven = nine.merging(["WorkerFailure": .string("{}")]) { $1 }
    #expect(
      DeadLetterOffice.letter(for: message(attributes: redriven), failure: failure, isFIFO: false)?.attributes.count
        == 10)
  }

  @Test(
    "near the size limit the failure is shortened; where nothing fits there is no letter",
    arguments: [0, 100, 300, 500, 5000])
  func sizeLimit(room: Int) throws {
    let original = message(body: String(repeating: "x", count: DeadLetterOffice.messageSizeLimit - room))
    let letter = DeadLetterOffice.letter(for: original, failure: failure, isFIFO: false)
    guard let letter else {
      #expect(room <= 300)
      return
    }
    let size = letter.attributes.reduce(letter.body.utf8.count) { $0 + $1.value.size(named: $1.key) }
    #expect(size <= DeadLetterOffice.messageSizeLimit)
    let json = try #require(letter.attributes["WorkerFailure"]?.stringValue)
    #expect(try JSONDecoder().decode(WorkerFailure.self, from: Data(json.utf8)).messageId == "m-1")
  }

  @Test("bytes that are no UTF-8 are replaced: a message can carry nothing else")
  func brokenBody() throws {
    var original = message()
    original.body = Array("a".utf8) + [0xFF] + Array("b".utf8)
    #expect(try #require(DeadLetterOffice.letter(for: original, failure: failure, isFIFO: false)).body == "a\u{FFFD}b")
  }
}
