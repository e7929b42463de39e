import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Prefetch")
struct PrefetchTests {
  struct Goal {
    /// In milliseconds.
    let roundTrip: Int
    let utilization: Double
  }

  struct Size {
    let slots: Int
    let receive: Int
  }

  @Test(
    "with handlers of 50 ms, slots are busy 95 % of the time at a round trip of 20 ms, and 85 % at 100 ms; receives are full",
    arguments: [Goal(roundTrip: 20, utilization: 0.95), Goal(roundTrip: 100, utilization: 0.85)],
    [
      Size(slots: 16, receive: 5), Size(slots: 32, receive: 5), Size(slots: 160, receive: 10),
      Size(slots: 400, receive: 10),
    ])
  func utilization(goal: Goal, size: Size) {
    for jitter in [0, 0.3] {
      let loop = LoopSimulation(
        slots: size.slots, receiveSize: size.receive, roundTrip: .milliseconds(goal.roundTrip),
        handling: .milliseconds(50), jitter: jitter)
      loop.run(for: .seconds(2))
      let (slotTime, receives, received) = (loop.slotTime, loop.receives, loop.received)
      loop.run(for: .seconds(2))
      let utilization = (loop.slotTime - slotTime) / 2 / Double(size.slots)
      #expect(utilization >= goal.utilization, "jitter \(jitter)")
      let each = Double(loop.receives - receives) / Double(loop.received - received)
      #expect(each <= 1.02 / Double(size.receive), "receives a message, jitter \(jitter)")
    }
  }

  @Test("as many messages wait for a slot as a receive returns and the round trip requires, fewer than the limit")
  func noMoreThanAskedFor() {
    let loop = LoopSimulation(slots: 160, roundTrip: .milliseconds(20), handling: .milliseconds(50), jitter: 0.3)
    loop.run(for: .seconds(5))
    // 64 slots become free in a round trip, and a receive returns 10.
    #expect(loop.mostAhead <= 80)
  }

  @Test("for handlers of ten minutes nothing is prefetched, regardless of the number of slots", arguments: [1, 4, 16])
  func slow(slots: Int) {
    let loop = LoopSimulation(slots: slots, receiveSize: 5, roundTrip: .milliseconds(20), handling: .seconds(600))
    loop.run(for: .seconds(1900))
    #expect(loop.mostAhead == 0)
    #expect(loop.received == slots * 4)
  }

  @Test("when handlers become slow, nothing more is received, and the prefetched messages match the earlier rate")
  func becomingSlow() {
    let loop = LoopSimulation(slots: 16, receiveSize: 5, roundTrip: .milliseconds(20), handling: .milliseconds(50))
    loop.run(for: .seconds(5))
    loop.handling = .seconds(600)
    loop.run(for: .seconds(1))
    let received = loop.received
    // 6.4 slots become free in a round trip, and a receive returns 5.
    #expect(
      loop.inFlight.counts
        == .init(all: 16 + loop.inFlight.counts.ahead, handled: 16, ahead: loop.inFlight.counts.ahead))
    #expect(loop.inFlight.counts.ahead <= 11)
    loop.run(for: .seconds(300))
    #expect(loop.received == received)
  }

  @Test("while a plugin is down nothing is prefetched, and with a multiplier of 0 never", arguments: [0, 2])
  func off(multiplier: Int) {
    let loop = LoopSimulation(
      slots: 16, prefetchMultiplier: multiplier, receiveSize: 5, roundTrip: .milliseconds(20),
      handling: .milliseconds(50))
    if multiplier > 0 { loop.intake = .forFreeSlots }
    loop.run(for: .seconds(5))
    #expect(loop.mostAhead == 0)
    loop.intake = .nothing
    loop.run(for: .seconds(1))
    let receives = loop.receives
    loop.run(for: .seconds(5))
    #expect(loop.receives == receives)
  }

  @Test(
    "for handlers that return at once the limit applies, and more slots are never slower",
    arguments: [20, 100])
  func noOperation(roundTrip: Int) {
    var slower = 0
    for slots in [16, 160, 400] {
      let loop = LoopSimulation(
        slots: slots, receiveSize: 10, roundTrip: .milliseconds(roundTrip), handling: .microseconds(50))
      loop.run(for: .milliseconds(roundTrip * 10))
      #expect(loop.mostReceives == slots * 3 / 10)
      let received = loop.received
      loop.run(for: .milliseconds(roundTrip * 10))
      #expect(loop.received - received >= slots * 3 / 10 * 10 * 9)
      #expect(loop.received - received > slower)
      slower = loop.received - received
    }
  }

  /// A processor that keeps up with so many messages a second.
  static let processorRate = 4_000.0

  @Test(
    "where the processor is the limit, receives are as many as it keeps up with, and more slots are not slower",
    arguments: [0, 20, 100])
  func busyProcessor(roundTrip: Int) {
    var slower = 0.0
    for slots in [32, 160, 1000] {
      let loop = LoopSimulation(
        slots: slots, roundTrip: .milliseconds(roundTrip) + .microseconds(300), handling: .microseconds(50), jitter: 0.3
      )
      loop.processing = .seconds(1 / Self.processorRate)
      loop.run(for: .seconds(4))
      loop.mostReceives = 0
      let received = loop.received
      loop.run(for: .seconds(2))
      let rate = Double(loop.received - received) / 2
      #expect(rate >= slower * 0.98, "\(slots) slots")
      slower = rate
      // About what it keeps up with in a round trip, or those that are always worth while.
      let enough = Self.processorRate * Double(roundTrip) / 1000 / 10
      #expect(Double(loop.mostReceives) <= 2.2 * max(enough, Double(PollConcurrency.few)), "\(slots) slots")
      if slots == 1000, roundTrip < 100 { #expect(rate >= Self.processorRate * 0.95) }
    }
  }

  @Test("a processor that becomes busy leads to no more receives, and one that has time again to as many as before")
  func becomingBusy() {
    let loop = LoopSimulation(slots: 160, roundTrip: .milliseconds(100), handling: .microseconds(50), jitter: 0.3)
    loop.run(for: .seconds(4))
    let most = loop.mostReceives
    #expect(most == 160 * 3 / 10)
    loop.processing = .milliseconds(2)
    loop.run(for: .seconds(40))
    loop.mostReceives = 0
    loop.run(for: .seconds(2))
    #expect(loop.mostReceives <= 2 * PollConcurrency.few)
    loop.processing = .zero
    loop.run(for: .seconds(6))
    #expect(loop.mostReceives == most)
  }

  @Test("a network whose answers take now 10 ms and now 190 has as many receives under way as a steady one")
  func unsteadyNetwork() {
    for jitter in [0, 0.9] {
      let loop = LoopSimulation(slots: 160, roundTrip: .milliseconds(100), handling: .microseconds(50), jitter: jitter)
      loop.run(for: .seconds(5))
      loop.mostReceives = 0
      loop.run(for: .seconds(1))
      #expect(loop.mostReceives == 160 * 3 / 10, "jitter \(jitter)")
    }
  }

  @Test("where the network becomes slower or faster, as many receives are under way again within sixty round trips")
  func changingNetwork() {
    let loop = LoopSimulation(slots: 160, roundTrip: .milliseconds(20), handling: .microseconds(50), jitter: 0.3)
    for roundTrip in [20, 100, 10] {
      loop.roundTrip = .milliseconds(roundTrip)
      loop.run(for: loop.roundTrip * 60)
      loop.mostReceives = 0
      loop.run(for: loop.roundTrip * 10)
      #expect(loop.mostReceives == 160 * 3 / 10, "\(roundTrip) ms")
    }
  }

  @Test("of a queue that is empty again, nothing is left under way but one receive")
  func drained() {
    let loop = LoopSimulation(slots: 160, roundTrip: .milliseconds(20), handling: .milliseconds(50))
    loop.depth = 10_000
    loop.run(for: .seconds(20))
    #expect(loop.received == 10_000)
    #expect(loop.inFlight.counts == .init())
    #expect(loop.inFlight.receives == 1)
  }
}
