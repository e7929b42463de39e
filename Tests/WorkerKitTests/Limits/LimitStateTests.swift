import Testing

@testable import WorkerKit

@Suite("Limits")
struct LimitStateTests {
  /// Draws, the same at each run of the same seed.
  private struct Draws: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 29)
    }
  }

  /// Messages that come at random times, start as soon as the limit lets them, and end after random times.
  private struct Simulation {
    var limit: LimitState
    var now = Duration.zero
    var starts: [String: [Duration]] = [:]
    var most: [String: Int] = [:]
    private var queues: [String: [Int]] = [:]
    private var running: [(end: Duration, key: String)] = []
    private var lastID = 0

    init(_ limit: LimitState) {
      self.limit = limit
    }

    mutating func arrive(_ key: String, lasting duration: Duration) {
      if limit.startAtOnce(key, at: now) { return start(key, duration) }
      lastID += 1
      limit.enter(lastID, key)
      queues[key, default: []].append(lastID)
    }

    private mutating func start(_ key: String, _ duration: Duration) {
      starts[key, default: []].append(now)
      running.append((now + duration, key))
      most[key] = max(most[key] ?? 0, running.count { $0.key == key })
    }

    /// Ends what has ended, and starts what may start; until that time.
    mutating func pass(until end: Duration, lasting duration: Duration) {
      while now < end {
        for ended in running where ended.end <= now { _ = limit.end(ended.key, after: duration) }
        running.removeAll { $0.end <= now }
        for key in queues.keys.sorted() {
          while let first = queues[key]?.first, limit.step(first, key, at: now) == .turn {
            _ = limit.start(first, key, at: now)
            queues[key]?.removeFirst()
            start(key, duration)
          }
        }
        now = min(end, now + .milliseconds(1))
      }
    }
  }

  @Test(
    "no time sees more starts than the burst and the rate, no moment more handlers than the concurrency",
    arguments: 1...8 as ClosedRange<UInt64>)
  func bounds(seed: UInt64) {
    var draws = Draws(state: seed)
    let rate = Rate(Int.random(in: 5...200, using: &draws), per: .seconds(1))
    let burst = Int.random(in: 1...20, using: &draws)
    let concurrency = Int.random(in: 1...8, using: &draws)
    var simulation = Simulation(LimitState(interval: rate.interval, burst: burst, concurrency: concurrency))
    let duration = Duration.milliseconds(Int.random(in: 1...60, using: &draws))
    for _ in 0..<400 {
      for _ in 0..<Int.random(in: 0...3, using: &draws) {
        simulation.arrive(["a", "b", "c"].randomElement(using: &draws)!, lasting: duration)
      }
      simulation.pass(
        until: simulation.now + .milliseconds(Int.random(in: 1...30, using: &draws)), lasting: duration)
    }
    for (key, starts) in simulation.starts {
      for first in starts.indices {
        for last in first..<starts.count {
          let count = last - first + 1
          // count ≤ burst + time ÷ interval, without a division.
          #expect(rate.interval * (count - burst) <= starts[last] - starts[first])
        }
      }
      #expect(simulation.most[key]! <= concurrency)
    }
  }

  @Test("what is allowed is used: a key with enough to do starts burst + rate × time")
  func use() {
    var simulation = Simulation(LimitState(interval: .milliseconds(25), burst: 40, concurrency: .max))
    for _ in 0..<1000 { simulation.arrive("a", lasting: .zero) }
    simulation.pass(until: .seconds(10), lasting: .zero)
    #expect(simulation.starts["a"]!.count == 40 + 399)
  }

  @Test("a key that has much to do takes nothing from another")
  func fairness() {
    var simulation = Simulation(LimitState(interval: .milliseconds(100), burst: 1, concurrency: 2))
    for _ in 0..<500 { simulation.arrive("hot", lasting: .milliseconds(10)) }
    for second in 0..<10 {
      simulation.arrive("calm", lasting: .milliseconds(10))
      #expect(simulation.starts["calm"]!.last! == simulation.now)
      simulation.pass(until: .seconds(second + 1), lasting: .milliseconds(10))
    }
    #expect(simulation.starts["hot"]!.count == 100)
  }

  @Test("those of one key start in the order in which they came")
  func order() {
    var limit = LimitState(interval: .seconds(1), burst: 1, concurrency: .max)
    let isStarted = limit.startAtOnce("a", at: .zero)
    #expect(isStarted)
    for id in 1...3 { limit.enter(id, "a") }
    let hasPassed = limit.startAtOnce("a", at: .seconds(60))
    #expect(!hasPassed)
    #expect(limit.step(2, "a", at: .seconds(60)) == .others)
    #expect(limit.step(1, "a", at: .milliseconds(200)) == .token(at: .seconds(1)))
    let second = limit.start(1, "a", at: .seconds(1))
    #expect(second == 2)
    // One that gives up lets the next one go.
    let third = limit.leave(2, "a")
    #expect(third == 3)
    #expect(limit.step(3, "a", at: .seconds(2)) == .turn)
    #expect(limit.waiting == 1)
  }

  @Test("keys without a debt are forgotten, and beyond the bound they share one")
  func memory() {
    var limit = LimitState(interval: .seconds(1), burst: 1, concurrency: .max)
    for number in 0..<100_000 {
      let now = Duration.milliseconds(number * 100)
      let key = limit.bucket(for: "\(number)", at: now)
      #expect(key == "\(number)")
      _ = limit.startAtOnce(key, at: now)
      _ = limit.end(key, after: .zero)
    }
    #expect(limit.bucketCount <= 64)
    var flood = LimitState(interval: .seconds(3600), burst: 1, concurrency: .max)
    for number in 0..<50_000 {
      let key = flood.bucket(for: "\(number)", at: .seconds(1))
      if flood.startAtOnce(key, at: .seconds(1)) { _ = flood.end(key, after: .zero) }
    }
    #expect(flood.bucketCount <= LimitState.keyLimit + 1)
    let shared = flood.bucket(for: "another", at: .seconds(1))
    #expect(shared == nil)
  }

  @Test("a key gets as many places as are left free; who is beyond comes back when it is its turn")
  func share() {
    var limit = LimitState(interval: .seconds(1), burst: 1, concurrency: .max)
    _ = limit.startAtOnce("hot", at: .zero)
    var room = 10
    var delays: [Duration] = []
    for id in 1...9 {
      if let delay = limit.postponement("hot", room: room, at: .zero) {
        delays.append(delay)
      } else {
        limit.enter(id, "hot")
        room -= 1
      }
    }
    #expect(limit.waiting(for: "hot") == 5)
    #expect(delays == [.seconds(6), .seconds(7), .seconds(8), .seconds(9)])
    let calm = limit.postponement("calm", room: room, at: .zero)
    #expect(calm == nil)
  }

  @Test("where handlers are slower than the rate, those given back come back at their pace")
  func slowHandlers() {
    var limit = LimitState(interval: .milliseconds(10), burst: 1, concurrency: 2)
    for _ in 0..<100 {
      _ = limit.startAtOnce("a", at: .seconds(1000))
      _ = limit.end("a", after: .seconds(20))
    }
    limit.enter(1, "a")
    let delay = limit.postponement("a", room: 1, at: .seconds(2000))
    // Two at once of 20 s each: one in ten seconds, and this is the second.
    #expect(delay.map { abs($0.inSeconds - 20) < 0.1 } == true)
  }

  @Test(
    "rates",
    arguments: [
      ("40/s", 25), ("30/m", 2000), ("1/h", 3_600_000), ("0/s", nil), ("-1/s", nil), ("+1/s", nil),
      ("1.5/s", nil), ("40", nil), ("40/d", nil), ("40/ s", nil), ("/s", nil), ("1/s/s", nil), ("1000001/s", nil),
      ("99999999999999999999/s", nil),
    ] as [(String, Int?)])
  func rates(text: String, milliseconds: Int?) {
    #expect(Rate(configurationText: text)?.interval == milliseconds.map { .milliseconds($0) })
  }

  @Test("a rate that divides no second is kept to all the same")
  func rounding() {
    #expect(Rate(3, per: .seconds(1)).interval * 3 >= .seconds(1))
  }
}
