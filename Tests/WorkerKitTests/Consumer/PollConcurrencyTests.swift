import TestSupport
import Testing
import WorkerTesting

@testable import WorkerKit

@Suite("Poll concurrency")
struct PollConcurrencyTests {
  /// With as many receives in flight as a deep queue leads to, and no room for another.
  func polls(underWay count: Int) -> PollConcurrency {
    var polls = PollConcurrency()
    polls.begin()
    // The round trip is measured first, with few under way.
    while !polls.roundTrip.isMeasured {
      polls.end(with: 10, of: 10)
      polls.begin(upTo: min(count, PollConcurrency.few))
    }
    while polls.underWay < count {
      polls.end(with: 10, of: 10)
      polls.begin(upTo: count)
    }
    return polls
  }

  @Test("it starts with one")
  func start() {
    var polls = PollConcurrency()
    #expect(polls.mayBegin)
    polls.begin()
    #expect(!polls.mayBegin)
  }

  @Test("a full receive is replaced by two, regardless of its size", arguments: 1...10)
  func full(most: Int) {
    var polls = PollConcurrency()
    polls.begin()
    polls.end(with: most, of: most)
    #expect(polls.limit == 2)
  }

  @Test("responses that arrive together count like those that arrive one at a time")
  func endingTogether() {
    var together = polls(underWay: 8)
    for _ in 1...8 { together.end(with: 10, of: 10) }
    var apart = polls(underWay: 8)
    for _ in 1...8 {
      apart.end(with: 10, of: 10)
      apart.begin(upTo: 8)
    }
    #expect(together.limit == apart.limit)
    #expect(together.limit == 16)
  }

  @Test("it grows at most to twice the number of receives in flight, and to 128")
  func bounds() {
    var alone = PollConcurrency()
    for _ in 1...1000 {
      alone.begin()
      alone.end(with: 1, of: 1)
    }
    #expect(alone.limit == 2)
    #expect(polls(underWay: 128).limit == 128)
    var many = polls(underWay: 128)
    many.end(with: 10, of: 10)
    #expect(many.limit == 128)
  }

  @Test("it stays for a receive that is at least half full; otherwise it decreases by one, but not below one")
  func some() {
    var polls = polls(underWay: 4)
    let limit = polls.limit
    polls.end(with: 5, of: 10)
    #expect(polls.limit == limit)
    for expected in (1..<limit).reversed() + [1, 1] {
      polls.begin()
      polls.end(with: 4, of: 10)
      #expect(polls.limit == expected)
    }
  }

  @Test("an empty or failed receive reduces it to one", arguments: [0, nil])
  func empty(count: Int?) {
    var polls = polls(underWay: 4)
    polls.end(with: count, of: 10)
    #expect(polls.limit == 1)
    for _ in 1...3 {
      #expect(!polls.mayBegin)
      polls.end(with: count, of: 10)
    }
    polls.begin(upTo: 128)
    #expect(polls.underWay == 1)
    polls.end(with: 10, of: 10)
    polls.begin(upTo: 128)
    #expect(polls.underWay == 2)
  }

  @Test("beyond eight, receives that take longer than with few make no more, and fewer where they take much longer")
  func slowdown() {
    var polls = PollConcurrency()
    func end(_ count: Int, after milliseconds: Int) {
      for _ in 1...count {
        polls.begin(upTo: 128)
        polls.end(with: 10, of: 10, after: .milliseconds(milliseconds))
      }
    }
    end(60, after: 20)
    #expect(polls.limit > 32)
    // Their average is what counts.
    end(64, after: 30)
    let limit = polls.limit
    end(200, after: 30)
    #expect(polls.limit == limit, "1.5 times as long")
    end(128, after: 50)
    #expect((limit - 16..<limit).contains(polls.limit), "2.5 times as long")
  }

  @Test("the round trip with few is measured again, and then as many are under way as before")
  func measuringAgain() {
    var polls = polls(underWay: 64)
    var measurements: [Int] = []
    for trip in 1...250 {
      let wasMeasured = polls.roundTrip.isMeasured
      for _ in 1...polls.underWay { polls.end(with: 10, of: 10, after: .milliseconds(20)) }
      if wasMeasured, !polls.roundTrip.isMeasured { measurements.append(trip) }
      polls.begin(upTo: 64)
      #expect(polls.underWay == (polls.roundTrip.isMeasured ? 64 : 8))
    }
    let pauses = zip(measurements.dropFirst(), measurements).map { $0 - $1 }
    #expect((10...20).contains(measurements[0]))
    #expect(pauses.count >= 2 && pauses.allSatisfy { $0 >= 45 })
  }

  @Test("up to eight, it does not matter how long receives take")
  func few() {
    var polls = PollConcurrency()
    for trip in 1...100 {
      polls.begin(upTo: 128)
      polls.end(with: 10, of: 10, after: .milliseconds(20 * trip))
    }
    #expect(polls.limit >= PollConcurrency.few)
  }

  @Test("a receive that was not sent changes nothing")
  func cancelled() {
    var polls = polls(underWay: 4)
    let limit = polls.limit
    polls.cancel()
    #expect(polls.underWay == 3)
    #expect(polls.limit == limit)
  }

  /// The jitter in milliseconds, and its random share.
  static let roundTrips = [1, 20, 200]
  static let jitters = [0, 0.5]

  @Test(
    "a burst on an idle queue reaches full poll concurrency within ten round trips while messages remain; then one receive per wait time",
    arguments: roundTrips, jitters)
  func burst(roundTrip: Int, jitter: Double) throws {
    let seed = SeededGenerator.drawnSeed
    print("seed \(seed)")
    let trip = Duration.milliseconds(roundTrip)
    var simulation = Simulation(roundTrip: trip, jitter: jitter, seed: seed)
    for _ in 1...3 {
      simulation.run(for: .seconds(60))
      #expect(simulation.underWay == 1, "seed \(seed)")
      let idle = simulation.begun
      simulation.run(for: Simulation.waitTime * 10)
      #expect((9...10).contains(simulation.begun - idle), "seed \(seed): one a wait time")

      simulation.send(10_000)
      simulation.run(for: trip * 10)
      #expect(simulation.depth > 0)
      #expect(simulation.underWay == Simulation.room, "seed \(seed)")
      while simulation.depth > 0 {
        #expect(simulation.underWay == Simulation.room || simulation.measures, "seed \(seed)")
        simulation.step()
      }
      // Only the receives that wait at the empty queue.
      simulation.run(for: Simulation.waitTime + trip * 2)
      #expect(simulation.underWay == 1, "seed \(seed)")
    }
  }

  @Test(
    "an outage is probed by one receive at a time; then poll concurrency recovers", arguments: roundTrips,
    jitters)
  func outage(roundTrip: Int, jitter: Double) throws {
    let seed = SeededGenerator.drawnSeed
    print("seed \(seed)")
    let trip = Duration.milliseconds(roundTrip)
    var simulation = Simulation(roundTrip: trip, jitter: jitter, seed: seed)
    simulation.send(1_000_000)
    simulation.run(for: trip * 20)
    #expect(simulation.underWay == Simulation.room || simulation.measures, "seed \(seed)")
    simulation.isDown = true
    simulation.run(for: trip * 2)
    let begun = simulation.begun
    simulation.run(for: trip * 20)
    #expect(simulation.underWay == 1, "seed \(seed)")
    #expect(simulation.begun - begun <= 41, "seed \(seed): one after the other")
    simulation.isDown = false
    simulation.run(for: trip * 11)
    #expect(simulation.underWay == Simulation.room || simulation.measures, "seed \(seed)")
  }

  @Test("few receives wait for sparse messages, and each message is received at once", arguments: roundTrips, jitters)
  func trickle(roundTrip: Int, jitter: Double) throws {
    let trip = Duration.milliseconds(roundTrip)
    var simulation = Simulation(roundTrip: trip, jitter: jitter, seed: 1)
    simulation.send(10_000)
    simulation.run(for: .seconds(30))
    for _ in 1...200 {
      simulation.send(1)
      #expect(simulation.depth == 0, "a receive waited for it")
      simulation.run(for: trip * 4)
    }
    #expect(simulation.underWay == 1)
  }
}

extension PollConcurrency {
  /// Starts as many receives as the poll concurrency and the free slots allow.
  fileprivate mutating func begin(upTo room: Int) {
    while mayBegin, underWay < room { begin() }
  }
}

/// A simulation of a queue behind a network. Its clock advances from event to event.
private struct Simulation {
  /// A receive. It reaches the queue after half of its round trip.
  private struct Poll {
    let begin: Duration
    var arrival: Duration
    var end: Duration
    /// nil while it is in transit or waits at the queue.
    var result: Int??
  }

  static let waitTime = Duration.seconds(5)
  /// For how many receives there are slots.
  static let room = 32

  private(set) var polls = PollConcurrency()
  private(set) var depth = 0
  private(set) var begun = 0
  var isDown = false
  private var open: [Poll] = []
  private let clock = ManualClock()
  private let roundTrip: Duration
  private let jitter: Double
  private var random: SeededGenerator

  init(roundTrip: Duration, jitter: Double, seed: UInt64) {
    self.roundTrip = roundTrip
    self.jitter = jitter
    random = SeededGenerator(seed: seed)
  }

  var underWay: Int { polls.underWay }
  /// Whether few are under way, so that the round trip can be measured.
  var measures: Bool { !polls.roundTrip.isMeasured }
  private var now: Duration { ManualClock.Instant.start.duration(to: clock.now) }

  mutating func send(_ count: Int) {
    depth += count
    serve()
  }

  mutating func run(for duration: Duration) {
    let end = now + duration
    begin()
    while let next = nextEvent, next <= end { step() }
    clock.advance(by: end - now)
  }

  /// Advances to the next event.
  mutating func step() {
    begin()
    guard let next = nextEvent else { return }
    clock.advance(by: next - now)
    serve()
    let now = now
    for poll in open where poll.end <= now {
      polls.end(with: poll.result ?? 0, of: 10, after: poll.end - poll.begin)
    }
    open.removeAll { $0.end <= now }
    begin()
  }

  private var nextEvent: Duration? {
    open.flatMap { [$0.arrival, $0.end] }.filter { $0 > now }.min()
  }

  private mutating func begin() {
    while polls.mayBegin, polls.underWay < Self.room {
      polls.begin()
      begun += 1
      let half = roundTrip * Double.random(in: (1 - jitter)...1, using: &random) / 2
      open.append(Poll(begin: now, arrival: now + half, end: now + half * 2 + Self.waitTime))
    }
  }

  /// Processes the receives that have reached the queue.
  private mutating func serve() {
    for index in open.indices where open[index].result == nil && open[index].arrival <= now {
      if isDown {
        open[index].result = .some(nil)
      } else if depth > 0 {
        open[index].result = min(depth, 10)
        depth -= min(depth, 10)
      } else {
        continue
      }
      open[index].end = now + roundTrip / 2
    }
  }
}

extension ManualClock.Instant {
  fileprivate static let start = ManualClock().now
}
