import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Slots for receives", .timeLimit(.minutes(20)))
struct InFlightTests {
  let clock = ManualClock()
  let deadlines: TimerQueue

  init() {
    deadlines = TimerQueue(clock: WorkerClock(clock))
  }

  func delivery() -> Delivery {
    Delivery(
      message: ReceivedMessage(id: "m", receiptHandle: "h", body: []), receivedAt: .zero,
      visibilityTimeout: .seconds(30))
  }

  /// Ten slots, some of them taken by the messages of a receive.
  func tenSlots(taken count: Int) async throws -> InFlight {
    let inFlight = InFlight(capacity: 10, clock: WorkerClock(clock), deadlines: deadlines)
    guard count > 0 else { return inFlight }
    let deliveries = (0..<count).map { _ in delivery() }
    #expect(try await inFlight.reserveSlots(count, patience: .zero) == count)
    #expect(inFlight.fill(deliveries, of: count) == deliveries)
    return inFlight
  }

  @Test("if a parked message takes the slot of a receive, the received message waits for another slot")
  func excess() async throws {
    let inFlight = InFlight(capacity: 2, clock: WorkerClock(clock), deadlines: deadlines)
    let (first, second, third) = (delivery(), delivery(), delivery())
    #expect(try await inFlight.reserveSlots(1, patience: .zero) == 1)
    #expect(inFlight.fill([first], of: 1) == [first])
    #expect(inFlight.park(first) == [])
    #expect(inFlight.counts == .init(all: 1, parked: 1))
    // The slot of the parked message is free.
    #expect(try await inFlight.reserveSlots(2, patience: .zero) == 2)
    try await inFlight.takeSlot(first)
    #expect(inFlight.fill([second, third], of: 2) == [second])
    #expect(inFlight.counts == .init(all: 3, handled: 2, ahead: 1))
    #expect(inFlight.beginSettlement(first) == [third])
    #expect(inFlight.counts == .init(all: 3, handled: 2, settling: 1))
    inFlight.remove(first)
    #expect(inFlight.deliveries == Set([second, third]))
  }

  @Test("nothing is received while the messages in flight have the maximum size, but one message is always allowed")
  func bytes() async throws {
    let inFlight = InFlight(capacity: 10, clock: WorkerClock(clock), deadlines: deadlines)
    let body = [UInt8](repeating: 32, count: InFlight.byteLimit)
    let large = Delivery(
      message: ReceivedMessage(id: "m", receiptHandle: "h", body: body), receivedAt: .zero,
      visibilityTimeout: .seconds(30))
    #expect(inFlight.hasRoom)
    #expect(try await inFlight.reserveSlots(1, patience: .zero) == 1)
    #expect(inFlight.fill([large], of: 1) == [large])
    #expect(!inFlight.hasRoom)
    // The message waits without a slot, but its body is in memory.
    #expect(inFlight.park(large) == [])
    #expect(!inFlight.hasRoom)
    #expect(inFlight.beginSettlement(large) == [])
    inFlight.remove(large)
    #expect(inFlight.hasRoom)
  }

  @Test("once slots are closed, nobody gets one: a parked message waits until it is cancelled")
  func slotsClosed() async throws {
    let inFlight = InFlight(capacity: 2, clock: WorkerClock(clock), deadlines: deadlines)
    let deliveries = (0..<4).map { _ in delivery() }
    #expect(try await inFlight.reserveSlots(2, patience: .zero) == 2)
    #expect(inFlight.fill(deliveries, of: 2) == Array(deliveries[..<2]))
    #expect(inFlight.park(deliveries[0]) == [deliveries[2]])
    #expect(inFlight.closeSlots() == [deliveries[3]])
    #expect(inFlight.beginSettlement(deliveries[1]) == [])
    let parked = Task { try await inFlight.takeSlot(deliveries[0]) }
    try await yieldUntil { inFlight.waitingCount == 1 || inFlight.counts.parked == 0 }
    #expect(inFlight.beginSettlement(deliveries[2]) == [])
    #expect((inFlight.waitingCount, inFlight.counts.parked) == (1, 1))
    parked.cancel()
    await #expect(throws: CancellationError.self) { try await parked.value }
  }

  @Test("a free slot goes to a parked message first, and then to the prefetched ones, in order")
  func ahead() async throws {
    let inFlight = InFlight(capacity: 1, clock: WorkerClock(clock), deadlines: deadlines)
    let deliveries = (0..<4).map { _ in delivery() }
    #expect(try await inFlight.reserveSlots(1, patience: .zero) == 1)
    #expect(inFlight.fill([deliveries[0]], of: 1) == [deliveries[0]])
    #expect(inFlight.park(deliveries[0]) == [])
    #expect(try await inFlight.reserveSlots(1, patience: .zero) == 1)
    #expect(inFlight.fill(Array(deliveries[1...]), of: 1) == [deliveries[1]])
    async let slot: Void = inFlight.takeSlot(deliveries[0])
    try await yieldUntil { inFlight.waitingCount == 1 }
    #expect(inFlight.beginSettlement(deliveries[1]) == [])
    try await slot
    #expect(inFlight.beginSettlement(deliveries[0]) == [deliveries[2]])
    #expect(inFlight.park(deliveries[2]) == [deliveries[3]])
    #expect(inFlight.counts == .init(all: 4, handled: 1, parked: 1, settling: 2))
  }

  @Test("nothing is received while ten times as many messages as slots are being settled, or a hundred")
  func settling() async throws {
    let inFlight = InFlight(capacity: 10, clock: WorkerClock(clock), deadlines: deadlines)
    var settling: [Delivery] = []
    for _ in 1...10 {
      let batch = (0..<10).map { _ in delivery() }
      #expect(inFlight.reserve(10) == 10)
      #expect(!inFlight.waitsForSettlements)
      for delivery in inFlight.fill(batch, of: 10) { #expect(inFlight.beginSettlement(delivery) == []) }
      settling += batch
    }
    #expect(inFlight.counts == .init(all: 100, settling: 100))
    #expect(inFlight.waitsForSettlements)
    #expect(inFlight.reserve(10) == 0)
    inFlight.remove(settling[0])
    #expect(inFlight.reserve(10) == 10)
  }

  @Test("a receive takes the free slots when its patience ends")
  func patience() async throws {
    let inFlight = try await tenSlots(taken: 9)
    try await deadlines.keeping {
      async let slots = inFlight.reserveSlots(10, patience: .milliseconds(10))
      try await clock.untilSleeping(for: .milliseconds(10))
      for delivery in inFlight.deliveries.prefix(3) { inFlight.end(delivery) }
      clock.advance(by: .milliseconds(10))
      let reserved = try await slots
      #expect(reserved == 4)
    }
  }

  @Test("slots that a receive did not use, or that failed, are free for the next one")
  func unused() async throws {
    let inFlight = try await tenSlots(taken: 2)
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == 8)
    #expect(inFlight.fill([delivery()], of: 8).count == 1)
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == 7)
    // While it rests, it is in flight.
    await inFlight.release(7) { #expect(inFlight.receives == 1) }
    #expect(inFlight.receives == 0)
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == 7)
  }

  @Test("a receive that is not sent returns its slots, and the poll concurrency stays the same")
  func notMade() async throws {
    let inFlight = try await tenSlots(taken: 0)
    #expect(try await inFlight.reserveSlots(1, patience: .zero) == 1)
    // It is full: two may be in flight.
    #expect(inFlight.fill([delivery()], of: 1).count == 1)
    #expect(try await inFlight.reserveSlots(9, patience: .zero) == 9)
    inFlight.release(9)
    #expect(try await inFlight.reserveSlots(4, patience: .zero) == 4)
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == 5)
    #expect(inFlight.receives == 2)
  }

  @Test("when receiving ends, callers that wait for slots are resumed, and no slots are reserved any more")
  func closed() async throws {
    let inFlight = try await tenSlots(taken: 10)
    async let slots = inFlight.reserveSlots(10, patience: .milliseconds(10))
    inFlight.close()
    let reserved = try await slots
    #expect(reserved == nil)
    for delivery in inFlight.deliveries { inFlight.end(delivery) }
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == nil)
    #expect(inFlight.receives == 0)
  }

  @Test("a caller that waits for more free slots is resumed as well")
  func closedMeanwhile() async throws {
    let inFlight = try await tenSlots(taken: 9)
    try await deadlines.keeping {
      async let slots = inFlight.reserveSlots(10, patience: .milliseconds(10))
      try await clock.untilSleeping(for: .milliseconds(10))
      inFlight.close()
      let reserved = try await slots
      #expect(reserved == nil)
    }
    #expect(inFlight.receives == 0)
  }

  @Test("a caller that is cancelled while it waits for slots reserves none")
  func cancelled() async throws {
    let inFlight = try await tenSlots(taken: 10)
    let waiting = Task { try await inFlight.reserveSlots(1, patience: .zero) }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    #expect(inFlight.receives == 0)
  }

  @Test("a caller that is cancelled while it waits for more free slots reserves none either")
  func cancelledMeanwhile() async throws {
    let inFlight = try await tenSlots(taken: 9)
    try await deadlines.keeping {
      let waiting = Task { try await inFlight.reserveSlots(10, patience: .milliseconds(10)) }
      try await clock.untilSleeping(for: .milliseconds(10))
      waiting.cancel()
      await #expect(throws: CancellationError.self) { try await waiting.value }
    }
    #expect(inFlight.receives == 0)
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == 1)
  }

  @Test(
    "slots are assigned in order of arrival: each free slot resumes one caller, and a cancelled caller gets none"
  )
  func order() async throws {
    let inFlight = InFlight(capacity: 1, clock: WorkerClock(clock), deadlines: deadlines)
    let deliveries = (0..<6).map { _ in delivery() }
    for delivery in deliveries {
      #expect(try await inFlight.reserveSlots(1, patience: .zero) == 1)
      #expect(inFlight.fill([delivery], of: 1) == [delivery])
      #expect(inFlight.park(delivery) == [])
    }
    try await inFlight.takeSlot(deliveries[0])
    let taken = Record<Int>()
    var tasks: [Task<Void, any Error>] = []
    for number in 1..<6 {
      tasks.append(
        Task {
          try await inFlight.takeSlot(deliveries[number])
          taken.add(number)
        })
      try await yieldUntil { inFlight.waitingCount == number }
    }
    tasks[1].cancel()
    try await yieldUntil { inFlight.waitingCount == 4 }
    for (count, number) in [0, 1, 3, 4].enumerated() {
      inFlight.end(deliveries[number])
      try await taken.untilCount(count + 1)
      #expect(inFlight.counts.handled == 1)
    }
    #expect(taken.all == [1, 3, 4, 5])
    await #expect(throws: CancellationError.self) { try await tasks[1].value }
  }
}

extension InFlight {
  /// Ends the handling and the settlement of a delivery, if none is prefetched.
  fileprivate func end(_ delivery: Delivery) {
    #expect(beginSettlement(delivery) == [])
    remove(delivery)
  }
}
