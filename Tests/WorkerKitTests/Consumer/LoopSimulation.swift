import TestSupport
import WorkerTesting

@testable import WorkerKit

/// A simulation of a consumer's slots and receives, with a deep queue, a network delay and a handler duration. Its
/// clock advances from event to event.
final class LoopSimulation {
  private enum Event {
    case arrival(slots: Int, begun: Duration)
    case answer(slots: Int, begun: Duration)
    case handled(Delivery)
    case settled(Delivery)
    case patienceEnds
  }

  let clock = ManualClock()
  let inFlight: InFlight
  let slots: Int
  private let receiveSize: Int
  private let jitter: Double
  private var random: SeededGenerator
  /// The next receive is the last one.
  private var events: [(time: Duration, event: Event)] = []
  private var isPatient = false

  /// How long a receive takes, but for the jitter.
  var roundTrip: Duration
  /// How long a handler takes, but for the jitter.
  var handling: Duration
  /// How long the processor is busy with each message; an answer waits until it is done with those before.
  var processing = Duration.zero
  private var busyUntil = Duration.zero
  /// What the queue holds.
  var depth = Int.max
  var intake = InFlight.Intake.ahead

  private(set) var receives = 0
  private(set) var received = 0
  private(set) var mostAhead = 0
  var mostReceives = 0
  /// In seconds, over all slots.
  private(set) var slotTime = 0.0

  init(
    slots: Int, prefetchMultiplier: Int = 2, receiveSize: Int = 10, roundTrip: Duration, handling: Duration,
    jitter: Double = 0, seed: UInt64 = 1
  ) {
    let workerClock = WorkerClock(clock)
    self.slots = slots
    self.receiveSize = receiveSize
    self.roundTrip = roundTrip
    self.handling = handling
    self.jitter = jitter
    random = SeededGenerator(seed: seed)
    inFlight = InFlight(
      capacity: slots, prefetchMultiplier: prefetchMultiplier, receiveSize: receiveSize, clock: workerClock,
      deadlines: TimerQueue(clock: workerClock))
  }

  var now: Duration { ManualClock().now.duration(to: clock.now) }

  func run(for duration: Duration) {
    let end = now + duration
    receive()
    while let (time, event) = events.last, time <= end {
      events.removeLast()
      advance(to: time)
      perform(event)
      receive()
    }
    advance(to: end)
  }

  private func advance(to time: Duration) {
    slotTime += Double(inFlight.counts.handled) * (time - now).inSeconds
    clock.advance(by: time - now)
  }

  private func add(_ event: Event, after duration: Duration) {
    let factor = 1 - jitter + 2 * jitter * Double.random(in: 0...1, using: &random)
    insert(event, at: now + duration * factor)
  }

  private func insert(_ event: Event, at time: Duration) {
    var (low, high) = (0, events.count)
    while low < high {
      let middle = (low + high) / 2
      if events[middle].time > time { low = middle + 1 } else { high = middle }
    }
    events.insert((time, event), at: low)
  }

  private func perform(_ event: Event) {
    switch event {
    case .arrival(let slots, let begun):
      busyUntil = max(busyUntil, now) + processing * min(slots, depth)
      insert(.answer(slots: slots, begun: begun), at: busyUntil)
    case .answer(let slots, let begun):
      let count = min(slots, depth)
      depth -= count
      received += count
      let deliveries = (0..<count).map { _ in
        Delivery(
          message: ReceivedMessage(id: "m", receiptHandle: "h", body: []), receivedAt: now,
          visibilityTimeout: .seconds(30))
      }
      begin(inFlight.fill(deliveries, of: slots, after: now - begun))
      mostAhead = max(mostAhead, inFlight.counts.ahead)
    case .handled(let delivery):
      begin(inFlight.beginSettlement(delivery))
      add(.settled(delivery), after: roundTrip)
    case .settled(let delivery):
      inFlight.remove(delivery)
    case .patienceEnds:
      isPatient = false
      if request(takesFewer: true) { receive() }
    }
  }

  private func begin(_ deliveries: [Delivery]) {
    for delivery in deliveries { add(.handled(delivery), after: handling) }
  }

  private func receive() {
    while request(takesFewer: false) {}
    guard !isPatient else { return }
    isPatient = true
    insert(.patienceEnds, at: now + .milliseconds(10))
  }

  private func request(takesFewer: Bool) -> Bool {
    guard let slots = inFlight.reserve(receiveSize, takesFewer: takesFewer, intake: { [intake] in intake }), slots > 0
    else { return false }
    receives += 1
    mostReceives = max(mostReceives, inFlight.receives)
    add(.arrival(slots: slots, begun: now), after: roundTrip)
    return true
  }
}
