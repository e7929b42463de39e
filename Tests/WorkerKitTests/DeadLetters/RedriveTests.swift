import Foundation
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Redriving dead letters")
struct RedriveTests {
  let box = LetterBox()

  /// What the worker would know each message of the queue by.
  func keys(of queue: InMemoryQueue) -> [String] { queue.messages.map { MessageIdentity($0).idempotencyKey } }

  @Test("a letter that the worker wrote comes back as the event it was")
  func written() async throws {
    try box.putWritten("m-1", attributes: ["source": .string("bot")])
    let (outcomes, _) = await box.redrive()
    #expect(outcomes.count == 1 && outcomes.allSatisfy(\.isGone))
    let message = try #require(box.queue.messages.first)
    #expect(String(decoding: message.body, as: UTF8.self) == LetterBox.body)
    #expect(message.attributes["source"] == .string("bot"))
    #expect(MessageIdentity(message).idempotencyKey == "message:m-1")
    #expect(MessageIdentity(message).originalMessageID == "m-1")
    #expect(box.deadLetters.messages.isEmpty)
  }

  @Test("what the redrive policy moved keeps its id, however often it goes round")
  func moved() async throws {
    let id = try await box.putMoved()
    for _ in 1...3 {
      #expect(await box.redrive().outcomes.map(\.originalMessageID) == [id])
      #expect(keys(of: box.queue) == ["message:\(id)"])
      try await box.moveAll()
      let letter = try #require(try await box.read().letters.first)
      #expect(letter.kind == nil, "the failure that it carries is of the time before")
      #expect(letter.earlierFailure?.messageId == id)
    }
  }

  @Test("a failure of before the redrive is not told as that of now")
  func earlierFailure() async throws {
    try box.putWritten("m-1", kind: .conflict)
    _ = await box.redrive()
    try await box.moveAll()
    let letter = try #require(try await box.read().letters.first)
    #expect(letter.kind == nil)
    #expect(letter.earlierFailure?.kind == "conflict")
    #expect(letter.originalMessageID == "m-1")
  }

  @Test("the key stays: a producer's, a deduplication id's, a message id's", arguments: [nil, "d-1"])
  func keysInFIFO(deduplicationID: String?) async throws {
    let box = LetterBox(fifo: true)
    let first = OutgoingMessage(body: LetterBox.body, groupID: "g", deduplicationID: deduplicationID)
    let id = try await box.putMoved(first)
    let key = deduplicationID.map { "fifo:\($0)" } ?? "message:\(id)"
    #expect(await box.redrive().outcomes.allSatisfy(\.isGone))
    #expect(keys(of: box.queue) == [key])
    #expect(box.queue.messages.first?.groupID == "g")
    #expect(box.queue.messages.first?.deduplicationID == "redrive-\(id)")
  }

  @Test("ten attributes leave no room for the id: without a producer's key the letter stays, and says why")
  func noRoom() async throws {
    var attributes = Dictionary(uniqueKeysWithValues: (1...9).map { ("a\($0)", MessageAttribute.string("v")) })
    attributes["a10"] = .string("v")
    let id = try await box.putMoved(OutgoingMessage(body: LetterBox.body, attributes: attributes))
    attributes["a10"] = nil
    attributes["IdempotencyKey"] = .string("order-7")
    _ = try await box.putMoved(OutgoingMessage(body: LetterBox.body, attributes: attributes))
    let (outcomes, _) = await box.redrive()
    #expect(keys(of: box.queue) == ["producer:order-7"])
    #expect(box.deadLetters.messages.map(\.id) == [id])
    #expect(try await box.visible() == 1)
    let kept = try #require(outcomes.first { !$0.isGone })
    #expect("\(kept.result)".contains("leave no room"))
  }

  @Test("near the size limit a letter is redriven whole or left whole", arguments: [0, 60, 200, 400, 2000])
  func size(room: Int) async throws {
    let body = String(repeating: "x", count: DeadLetterOffice.messageSizeLimit - room)
    let id = try await box.putMoved(OutgoingMessage(body: body))
    _ = await box.redrive()
    #expect(box.queue.messages.count + box.deadLetters.messages.count == 1)
    for message in box.queue.messages {
      #expect(MessageIdentity(message).idempotencyKey == "message:\(id)")
      #expect(
        message.attributes.reduce(message.body.count) { $0 + $1.value.size(named: $1.key) }
          <= DeadLetterOffice.messageSizeLimit)
    }
  }

  @Test("a body that is no text stays, for it could not be sent as it is")
  func binaryBody() async throws {
    box.deadLetters.put(body: [0xFF, 0xFE])
    #expect(await box.redrive().outcomes.map(\.isGone) == [false])
    #expect(try await box.visible() == 1)
  }

  @Test("someone else's WorkerFailure attribute gives its place to ours")
  func foreignAttribute() async throws {
    let id = try await box.putMoved(OutgoingMessage(body: "{}", attributes: ["WorkerFailure": .string("oops")]))
    _ = await box.redrive()
    #expect(keys(of: box.queue) == ["message:\(id)"])
  }

  @Test("a dry run says what would be, and does nothing")
  func dryRun() async throws {
    try box.putWritten("m-1")
    let (outcomes, _) = await box.redrive(isDryRun: true)
    #expect(outcomes.map(\.isPlanned) == [true])
    #expect(box.queue.messages.isEmpty)
    #expect(try await box.visible() == 1)
  }

  @Test("an event that comes back while the redrive goes on is not sent round for ever")
  func circle() async throws {
    try box.putWritten("m-1")
    let putter = PickyQueue(
      queue: box.deadLetters, onReceive: { if box.deadLetters.messages.isEmpty { _ = try? box.putWritten("m-1") } })
    let (outcomes, visit) = await box.redrive(from: putter)
    #expect(outcomes.map(\.isGone) == [true, false])
    #expect(visit.lookedAt == 2)
    #expect(try await box.visible() == 1)
  }
}
