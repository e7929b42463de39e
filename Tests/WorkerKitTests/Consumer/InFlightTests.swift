import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Slots for receives", .timeLimit(.minutes(1)))
struct InFlightTests {
  let clock = ManualClock()
  let deadlines: Deadlines

  init() {
    deadlines = Deadlines(clock: WorkerClock(clock))
  }

  func delivery() -> Delivery {
    Delivery(
      message: ReceivedMessage(id: "m", receiptHandle: "h", body: []), receivedAt: .zero,
      visibilityTimeout: .seconds(30))
  }

  /// Ten slots, some of them taken by what a receive has brought.
  func tenSlots(taken count: Int) async throws -> InFlight {
    let inFlight = InFlight(capacity: 10, deadlines: deadlines)
    let deliveries = (0..<count).map { _ in delivery() }
    #expect(try await inFlight.reserveSlots(count, patience: .zero) == count)
    #expect(inFlight.fill(deliveries, of: count) == count)
    return inFlight
  }

  @Test("what was brought for a slot that is taken meanwhile, by one that was parked, is parked until there is another")
  func excess() async throws {
    let inFlight = InFlight(capacity: 2, deadlines: deadlines)
    let (first, second, third) = (delivery(), delivery(), delivery())
    #expect(try await inFlight.reserveSlots(1, patience: .zero) == 1)
    #expect(inFlight.fill([first], of: 1) == 1)
    let mayGoOn = Watched(false)
    let parking = Task {
      try await inFlight.parking(first, until: { mayGoOn.value }) { try await mayGoOn.wait { $0 } }
    }
    while inFlight.counts.parked == 0 { await Task.yield() }
    // The slot of the one that is parked is free.
    #expect(try await inFlight.reserveSlots(2, patience: .zero) == 2)
    mayGoOn.update { $0 = true }
    try await parking.value
    #expect(inFlight.fill([second, third], of: 2) == 1)
    #expect(inFlight.counts.all == 3)
    #expect(inFlight.counts.parked == 1)
    inFlight.remove(first)
    try await inFlight.takeSlot(third)
    #expect(inFlight.counts.parked == 0)
    #expect(inFlight.deliveries == Set([second, third]))
  }

  @Test("a receive takes what has come free when its patience ends")
  func patience() async throws {
    let inFlight = try await tenSlots(taken: 9)
    try await deadlines.keeping {
      async let slots = inFlight.reserveSlots(10, patience: .milliseconds(10))
      try await clock.untilSleeping(for: .milliseconds(10))
      for delivery in inFlight.deliveries.prefix(3) { inFlight.remove(delivery) }
      clock.advance(by: .milliseconds(10))
      let reserved = try await slots
      #expect(reserved == 4)
    }
  }

  @Test("slots that a receive did not need, or that failed, are free for the next")
  func unused() async throws {
    let inFlight = try await tenSlots(taken: 2)
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == 8)
    #expect(inFlight.fill([delivery()], of: 8) == 1)
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == 7)
    // While it rests, it is under way.
    await inFlight.giveBack(7) { #expect(inFlight.receives == 1) }
    #expect(inFlight.receives == 0)
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == 7)
  }

  @Test("a receive that is not made after all gives its slots back, and as many may be under way as before")
  func notMade() async throws {
    let inFlight = try await tenSlots(taken: 0)
    #expect(try await inFlight.reserveSlots(1, patience: .zero) == 1)
    // It comes back full: two may be under way.
    #expect(inFlight.fill([delivery()], of: 1) == 1)
    #expect(try await inFlight.reserveSlots(9, patience: .zero) == 9)
    inFlight.giveBack(9)
    #expect(try await inFlight.reserveSlots(4, patience: .zero) == 4)
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == 5)
    #expect(inFlight.receives == 2)
  }

  @Test("when receiving is over, who waits for slots is told so, and none are reserved any more")
  func closed() async throws {
    let inFlight = try await tenSlots(taken: 10)
    async let slots = inFlight.reserveSlots(10, patience: .milliseconds(10))
    inFlight.close()
    let reserved = try await slots
    #expect(reserved == nil)
    for delivery in inFlight.deliveries { inFlight.remove(delivery) }
    #expect(try await inFlight.reserveSlots(10, patience: .zero) == nil)
    #expect(inFlight.receives == 0)
  }

  @Test("it is told so while it waits for more than are free, too")
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

  @Test("one that is cancelled while it waits for slots reserves none")
  func cancelled() async throws {
    let inFlight = try await tenSlots(taken: 10)
    let waiting = Task { try await inFlight.reserveSlots(1, patience: .zero) }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    #expect(inFlight.receives == 0)
  }

  @Test("nor does one that is cancelled while it waits for more than are free")
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
}
