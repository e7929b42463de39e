import Foundation
import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Reading dead letters")
struct DeadLetterReaderTests {
  let box = DeadLetterQueueFake()

  @Test("every dead letter is read once and made visible again, regardless of their number", arguments: [0, 1, 10, 37])
  func everything(count: Int) async throws {
    for number in 0..<count { try box.putWritten("m-\(number)") }
    let (deadLetters, visit) = try await box.read()
    #expect(Set(deadLetters.map(\.originalMessageID)) == Set((0..<count).map { "m-\($0)" }))
    #expect(deadLetters.count == count)
    #expect(visit.received == count)
    guard case .everything = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(try await box.visible() == count)
  }

  @Test("many are received several at once, seen once each, and given back", arguments: [37, 137])
  func several(expected: Int) async throws {
    for number in 0..<137 { try box.putWritten("m-\(number)") }
    var seen: [String] = []
    let visit = await DeadLetterReader(box.source, expected: expected, clock: box.clock).read {
      seen += $0.map(\.originalMessageID)
      return []
    }
    #expect(seen.count == 137 && Set(seen).count == 137)
    #expect(visit.received == 137)
    #expect(try await box.visible() == 137)
  }

  @Test("what the visitor throws gives back what several receives brought")
  func failingVisitorOfSeveral() async throws {
    for number in 0..<60 { try box.putWritten("m-\(number)") }
    let visit = await DeadLetterReader(box.source, expected: 60, clock: box.clock).read { _ in throw PickyQueue.refusal
    }
    guard case .failed = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(try await box.visible() == 60)
  }

  @Test("a reading ends though dead letters go on coming, and gives those back unseen")
  func later() async throws {
    for number in 0..<25 { try box.putWritten("m-\(number)") }
    let end = Date()
    var source = box.source
    source.onReceive = { [deadLetters = box.deadLetters] in
      deadLetters.put(OutgoingMessage(body: DeadLetterQueueFake.body))
    }
    var deadLetters: [DeadLetter] = []
    var later = 0
    let reader = DeadLetterReader(source, until: end, clock: box.clock)
    let visit = await reader.read(onLater: { later += $0.count }) {
      deadLetters += $0
      return []
    }
    #expect(Set(deadLetters.map(\.originalMessageID)) == Set((0..<25).map { "m-\($0)" }))
    guard case .everything = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(visit.later == later)
    #expect(later >= 5)
    #expect(try await box.visible() == 25 + later)
  }

  @Test("with a limit, no more than necessary is received")
  func limit() async throws {
    for number in 0..<30 { try box.putWritten("m-\(number)") }
    let (deadLetters, visit) = try await box.read(limit: 12)
    #expect(deadLetters.count == 12)
    #expect(box.deadLetters.messages.count { $0.receiveCount > 0 } == 12)
    guard case .found = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(try await box.visible() == 30)
  }

  @Test("filters by route, kind, age and id")
  func filters() async throws {
    let written = try box.putWritten("m-1", kind: .notFound)
    try box.putWritten("m-2", kind: .conflict, route: "PARTED")
    try box.putWritten("m-3", kind: .validation, route: nil, body: #"{"eventType":"UNKNOWN"}"#)
    try box.putWritten("m-4", kind: .validation, route: nil, body: "no JSON")
    let moved = try await box.putMoved()
    func found(_ change: (inout DeadLetterFilter) -> Void, age: TimeInterval = 0) async throws -> Set<String> {
      var filter = DeadLetterFilter()
      change(&filter)
      return Set(try await box.read(filter, now: Date() + age).deadLetters.map(\.originalMessageID))
    }
    #expect(try await found { $0.routes = ["GREETED"] } == ["m-1", moved])
    #expect(try await found { $0.routes = ["PARTED", "UNKNOWN"] } == ["m-2", "m-3"])
    #expect(try await found { $0.routes = ["-"] } == ["m-4"])
    #expect(try await found { $0.kinds = ["conflict", "notFound"] } == ["m-1", "m-2"])
    #expect(try await found { $0.kinds = ["-"] } == [moved])
    #expect(try await found { $0.ids = [written, "m-2"] } == ["m-1", "m-2"])
    #expect(
      try await found { $0.deadLetterIDs = [written, "m-2"] } == ["m-1"], "an event's first message is no letter")
    #expect(try await found({ $0.olderThan = .seconds(3600) }, age: 3000).isEmpty)
    #expect(try await found({ $0.olderThan = .seconds(3600) }, age: 4000).count == 5)
    #expect(try await found({ $0.newerThan = .seconds(3600) }, age: 3000).count == 5)
    #expect(try await found({ $0.newerThan = .seconds(3600) }, age: 4000).isEmpty)
    #expect(try await box.visible() == 5)
  }

  @Test("finding a dead letter by its id ends the search")
  func byID() async throws {
    var ids: [String] = []
    for number in 0..<30 { ids.append(try box.putWritten("m-\(number)")) }
    var filter = DeadLetterFilter()
    filter.ids = [ids[3]]
    #expect(try await box.read(filter).visit.received == 10)
  }

  @Test("after an error, the held messages are made visible again")
  func failingReceive() async throws {
    for number in 0..<15 { try box.putWritten("m-\(number)") }
    let visit = await DeadLetterReader(box.source, clock: box.clock).read { _ in
      box.deadLetters.fail(.receive, with: PickyQueue.refusal)
      return []
    }
    guard case .failed = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(try await box.visible() == 15)
  }

  @Test("if the visitor throws, the held messages are made visible again")
  func failingVisitor() async throws {
    for number in 0..<15 { try box.putWritten("m-\(number)") }
    let visit = await DeadLetterReader(box.source, clock: box.clock).read { _ in throw PickyQueue.refusal }
    guard case .failed = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(visit.received == 10)
    #expect(try await box.visible() == 15)
  }

  @Test("if it is cancelled during a receive, it also makes the messages of that receive visible again")
  func cancellation() async throws {
    for number in 0..<30 { try box.putWritten("m-\(number)") }
    let receives = Record<Int>()
    let gate = Gate()
    let queue = PickyQueue(queue: box.deadLetters, onReceive: { receives.add(0) })
    let reading = Task {
      await DeadLetterReader(queue, clock: box.clock).read { _ in
        if receives.all.count == 2 { await gate.passStubbornly() }
        return []
      }
    }
    try await gate.untilArrived()
    reading.cancel()
    gate.open()
    let visit = await reading.value
    guard case .cancelled = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(visit.received == 20)
    #expect(try await box.visible() == 30)
  }

  @Test("messages that cannot be made visible again are counted; a temporary failure is retried")
  func givingBackFails() async throws {
    for number in 0..<3 { try box.putWritten("m-\(number)") }
    let hiding = PickyQueue(queue: box.deadLetters, hidesAll: true)
    #expect(await DeadLetterReader(hiding, clock: box.clock).read { _ in [] }.notGivenBack == 3)
    #expect(try await box.visible() == 0)
    try box.putWritten("m-3")
    box.deadLetters.fail(.changeVisibility, with: PickyQueue.refusal)
    #expect(try await box.read().visit.notGivenBack == 0)
    #expect(try await box.visible() == 1)
  }

  @Test("reading ends if held messages are received again")
  func heldTooLong() async throws {
    try box.putWritten("m-1")
    var rounds = 0
    let visit = await DeadLetterReader(box.source, clock: box.clock).read { _ in
      rounds += 1
      for change in box.deadLetters.messages.map({ VisibilityChange(receiptHandle: $0.receiptHandle, timeout: .zero) })
      {
        _ = try await box.deadLetters.changeVisibility([change])
      }
      return []
    }
    guard case .tookTooLong = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(rounds == 1)
    #expect(try await box.visible() == 1)
  }

  @Test("a dead letter of the worker has a reason; one that the redrive policy moved has only its event")
  func deadLetters() async throws {
    try box.putWritten("m-1")
    let moved = try await box.putMoved()
    let deadLetters = try await box.read().deadLetters
    let written = try #require(deadLetters.first { $0.kind == "notFound" })
    #expect(written.failure?.handler == "greetings.hello")
    #expect(written.failure?.message == "no m-1")
    #expect(written.idempotencyKey == "message:m-1")
    let other = try #require(deadLetters.first { $0.kind == nil })
    #expect(other.id == moved)
    #expect(other.route == "GREETED")
    #expect(other.idempotencyKey == "message:\(moved)")
  }
}
