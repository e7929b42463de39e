import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("TimerQueue", .timeLimit(.minutes(20)))
struct TimerQueueTests {
  let clock = ManualClock()
  let deadlines: TimerQueue
  let done = Record<String>()

  init() {
    deadlines = TimerQueue(clock: WorkerClock(clock))
  }

  @discardableResult
  func set(_ name: String, after seconds: Int) -> TimerQueue.ID {
    deadlines.set(after: .seconds(seconds)) { [done] in done.add(name) }
  }

  /// Advances the clock to the time at which the queue wakes.
  func pass(_ seconds: Int) async throws {
    try await clock.untilSleeping(for: .seconds(seconds))
    clock.advance(by: .seconds(seconds))
  }

  @Test("due actions run in the order of their times, and at the same time in the order in which they were set")
  func order() async throws {
    for (index, seconds) in [7, 3, 9, 3, 1, 8, 3, 5, 2, 6].enumerated() { set("\(seconds).\(index)", after: seconds) }
    try await deadlines.keeping {
      try await clock.untilSleeping(for: .seconds(1))
      clock.advance(by: .seconds(9))
      try await done.untilCount(10)
    }
    #expect(done.all == ["1.4", "2.8", "3.1", "3.3", "3.6", "5.7", "6.9", "7.0", "8.5", "9.2"])
  }

  @Test("each action runs at its time, and not before")
  func inTime() async throws {
    set("first", after: 1)
    set("second", after: 3)
    try await deadlines.keeping {
      try await pass(1)
      try await clock.untilSleeping(for: .seconds(2))
      #expect(done.all == ["first"])
      try await pass(2)
      try await done.untilCount(2)
    }
    #expect(done.all == ["first", "second"])
  }

  @Test("a cancelled timer does not run, whether it is cancelled before the queue starts or while it sleeps")
  func calledOff() async throws {
    let first = set("first", after: 1)
    let second = set("second", after: 2)
    set("third", after: 3)
    deadlines.cancel(first)
    try await deadlines.keeping {
      try await clock.untilSleeping(for: .seconds(2))
      deadlines.cancel(second)
      clock.advance(by: .seconds(3))
      try await done.untilCount(1)
    }
    #expect(done.all == ["third"])
  }

  @Test("an earlier or only timer that is set while the queue sleeps runs in time")
  func earlier() async throws {
    set("late", after: 10)
    try await deadlines.keeping {
      try await clock.untilSleeping(for: .seconds(10))
      set("early", after: 1)
      try await pass(1)
      try await clock.untilSleeping(for: .seconds(9))
      #expect(done.all == ["early"])
      try await pass(9)
      try await done.untilCount(2)
      set("alone", after: 5)
      try await pass(5)
      try await done.untilCount(3)
    }
    #expect(done.all == ["early", "late", "alone"])
  }

  @Test("an action may set timers, and those that are due run at once")
  func actions() async throws {
    deadlines.set(after: .seconds(1)) {
      set("later", after: 2)
      set("at once", after: 0)
    }
    try await deadlines.keeping {
      try await pass(1)
      try await done.untilCount(1)
      #expect(done.all == ["at once"])
      try await pass(2)
      try await done.untilCount(2)
    }
    #expect(done.all == ["at once", "later"])
  }

  @Test("after the watched operation has ended nothing sleeps, and remaining timers wait for the next operation")
  func ended() async throws {
    let counting = CountingClock(base: clock)
    let deadlines = TimerQueue(clock: WorkerClock(counting))
    deadlines.set(after: .seconds(1)) { [done] in done.add("left over") }
    try await deadlines.keeping { try await clock.untilSleeping(for: .seconds(1)) }
    #expect(counting.sleepers.value == 0)
    clock.advance(by: .seconds(1))
    #expect(done.all.isEmpty)
    try await deadlines.keeping { try await done.untilCount(1) }
    #expect(done.all == ["left over"])
  }

  @Test("timers of a cancelled task still run")
  func cancelled() async throws {
    set("due", after: 1)
    let task = Task { [deadlines, done] in
      await deadlines.watching {
        await shieldedFromCancellation { try? await done.untilCount(1) }
      }
    }
    task.cancel()
    try await pass(1)
    await task.value
    #expect(done.all == ["due"])
  }

  @Test("at random, each timer that is not cancelled runs once, in time and in order")
  func random() async throws {
    let seed = SeededGenerator.drawnSeed
    print("seed \(seed)")
    let random = RandomDeadlines(deadlines: deadlines, clock: WorkerClock(clock), seed: seed)
    for _ in 1...50 { random.setOne(after: 0...100) }
    try await deadlines.keeping {
      while !random.isOver {
        try await random.untilNoneIsDue()
        // The queue sleeps.
        if random.count < 400, random.draw(0...9) == 0 { random.setOne(after: 1...100) }
        clock.advance(by: .milliseconds(1))
      }
    }
    let done = random.done.all
    #expect(done.allSatisfy { $0.end == $0.time }, "seed \(seed)")
    let isInOrder = zip(done, done.dropFirst()).allSatisfy { ($0.time, $0.number) < ($1.time, $1.number) }
    #expect(isInOrder, "seed \(seed)")
    let numbers = done.map(\.number) + random.calledOff.all
    #expect(numbers.sorted() == Array(1...random.count), "seed \(seed)")
  }
}

/// A manual clock that counts its sleepers.
private struct CountingClock: Clock {
  let base: ManualClock
  let sleepers = AsyncValue(0)

  var now: ManualClock.Instant { base.now }
  var minimumResolution: Swift.Duration { base.minimumResolution }

  func sleep(until deadline: ManualClock.Instant, tolerance: Swift.Duration?) async throws {
    sleepers.update { $0 += 1 }
    defer { sleepers.update { $0 -= 1 } }
    try await base.sleep(until: deadline, tolerance: tolerance)
  }
}
