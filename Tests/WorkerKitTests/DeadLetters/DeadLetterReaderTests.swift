import Foundation
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Reading dead letters")
struct DeadLetterReaderTests {
  let box = LetterBox()

  @Test("everything is seen once, however many there are, and given back", arguments: [0, 1, 10, 37])
  func everything(count: Int) async throws {
    for number in 0..<count { try box.putWritten("m-\(number)") }
    let (letters, visit) = try await box.read()
    #expect(Set(letters.map(\.originalMessageID)) == Set((0..<count).map { "m-\($0)" }))
    #expect(letters.count == count)
    #expect(visit.lookedAt == count)
    guard case .everything = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(try await box.visible() == count)
  }

  @Test("a limit takes no more than it needs out of the queue")
  func limit() async throws {
    for number in 0..<30 { try box.putWritten("m-\(number)") }
    let (letters, visit) = try await box.read(limit: 12)
    #expect(letters.count == 12)
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
      return Set(try await box.read(filter, now: Date() + age).letters.map(\.originalMessageID))
    }
    #expect(try await found { $0.routes = ["GREETED"] } == ["m-1", moved])
    #expect(try await found { $0.routes = ["PARTED", "UNKNOWN"] } == ["m-2", "m-3"])
    #expect(try await found { $0.routes = ["-"] } == ["m-4"])
    #expect(try await found { $0.kinds = ["conflict", "notFound"] } == ["m-1", "m-2"])
    #expect(try await found { $0.kinds = ["-"] } == [moved])
    #expect(try await found { $0.ids = [written, "m-2"] } == ["m-1", "m-2"])
    #expect(try await found { $0.letterIDs = [written, "m-2"] } == ["m-1"], "an event's first message is no letter")
    #expect(try await found({ $0.olderThan = .seconds(3600) }, age: 3000).isEmpty)
    #expect(try await found({ $0.olderThan = .seconds(3600) }, age: 4000).count == 5)
    #expect(try await found({ $0.newerThan = .seconds(3600) }, age: 3000).count == 5)
    #expect(try await found({ $0.newerThan = .seconds(3600) }, age: 4000).isEmpty)
    #expect(try await box.visible() == 5)
  }

  @Test("a letter that is asked for by its id ends the search")
  func byID() async throws {
    var ids: [String] = []
    for number in 0..<30 { ids.append(try box.putWritten("m-\(number)")) }
    var filter = DeadLetterFilter()
    filter.ids = [ids[3]]
    #expect(try await box.read(filter).visit.lookedAt == 10)
  }

  @Test("an error gives back what was held")
  func failingReceive() async throws {
    for number in 0..<15 { try box.putWritten("m-\(number)") }
    let visit = await DeadLetterReader(box.source, clock: box.clock).read { _ in
      box.deadLetters.fail(.receive, with: PickyQueue.refusal)
      return []
    }
    guard case .failed = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(try await box.visible() == 15)
  }

  @Test("what the visitor throws gives back what was held")
  func failingVisitor() async throws {
    for number in 0..<15 { try box.putWritten("m-\(number)") }
    let visit = await DeadLetterReader(box.source, clock: box.clock).read { _ in throw PickyQueue.refusal }
    guard case .failed = visit.end else { return #expect(Bool(false), "\(visit.end)") }
    #expect(visit.lookedAt == 10)
    #expect(try await box.visible() == 15)
  }

  @Test("cancelled in the midst of a receive, it gives back that receive's letters too")
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
    #expect(visit.lookedAt == 20)
    #expect(try await box.visible() == 30)
  }

  @Test("what cannot be given back is counted; a failure that passes is tried again")
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

  @Test("letters that come again while they are held end it")
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

  @Test("what the worker wrote says why; what the redrive policy moved says its event alone")
  func letters() async throws {
    try box.putWritten("m-1")
    let moved = try await box.putMoved()
    let letters = try await box.read().letters
    let written = try #require(letters.first { $0.kind == "notFound" })
    #expect(written.failure?.handler == "greetings.hello")
    #expect(written.failure?.message == "no m-1")
    #expect(written.idempotencyKey == "message:m-1")
    let other = try #require(letters.first { $0.kind == nil })
    #expect(other.id == moved)
    #expect(other.route == "GREETED")
    #expect(other.idempotencyKey == "message:\(moved)")
  }
}
