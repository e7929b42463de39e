import DequeModule

/// The deliveries in flight, and so the free slots: there is no second count that could disagree.
///
/// | a delivery | takes up a slot | until |
/// |---|---|---|
/// | is received ahead | no | a slot is free, in the order in which they came |
/// | is handled | yes | its handler returns, or it is parked |
/// | is parked | no | what it waits for has come, and a slot is free |
/// | is being settled | no | the queue has answered |
final class InFlight: Sendable {
  /// How many may be parked for each slot.
  static let parkedForEachSlot = 10
  /// While the messages in flight are larger than this, nothing is received: 32 of the largest that SQS takes. What a receive
  /// under way brings comes on top.
  static let byteLimit = 32 << 20
  /// How many may be in settlement for each slot, before nothing more is received: several round trips' worth, and what a
  /// queue that answers no deletions may hold up.
  static let settlingForEachSlot = 10

  struct Held: Sendable {
    var deliveries: Set<Delivery> = []
    /// Their bodies and attributes, in bytes.
    var bytes = 0
    /// Those of them that wait for something, and take up no slot meanwhile.
    var parked: Set<Delivery> = []
    /// Those of them whose handling has not begun, for want of a slot.
    var ahead: Deque<Delivery> = []
    /// How many of them are being settled.
    var settling = 0
    /// The parked that wait for a slot, in the order in which they get one. Of one that was cancelled the place is left.
    var queue: Deque<Delivery> = []
    var waiting: [Delivery: CheckedContinuation<Void, any Error>] = [:]
    /// What the receives under way may bring.
    var reserved = 0
    var polls = PollConcurrency()
    var prefetch: Prefetch
    /// Nothing more is received.
    var isClosed = false
    /// Nobody gets a slot any more.
    var areSlotsClosed = false
    /// Waiting for more free slots is over.
    var takesFewer = false
    /// The loop is asked whether it still turns.
    var isLoopAsked = false

    var handled: Int { deliveries.count - parked.count - ahead.count - settling }
    /// What has a slot, or will want one.
    var claims: Int { handled + ahead.count + waiting.count + reserved }
  }

  /// Whom a change gives slots, not under the lock.
  private struct Ready: Sendable {
    var begin: [Delivery] = []
    var resume: [CheckedContinuation<Void, any Error>] = []
  }

  let capacity: Int
  private let clock: WorkerClock
  let deadlines: TimerQueue
  let held: AsyncValue<Held>

  /// - Parameters:
  ///   - capacity: How many slots there are.
  ///   - prefetchMultiplier: How many times as many messages may be received ahead.
  ///   - receiveSize: How many messages a receive asks for.
  init(
    capacity: Int, prefetchMultiplier: Int = 0, receiveSize: Int = 10, clock: WorkerClock, deadlines: TimerQueue
  ) {
    self.capacity = capacity
    self.clock = clock
    self.deadlines = deadlines
    held = AsyncValue(
      Held(prefetch: Prefetch(slots: capacity, multiplier: prefetchMultiplier, receiveSize: receiveSize)))
  }

  var deliveries: Set<Delivery> { held.read { $0.deliveries } }

  struct Counts: Sendable, Hashable {
    var all = 0
    var handled = 0
    var ahead = 0
    var parked = 0
    var settling = 0
  }

  var counts: Counts { withCounts { $0 } }

  /// What `body` makes of the counts, which stay as they are meanwhile.
  func withCounts<Result: Sendable>(_ body: @Sendable (Counts) -> Result) -> Result {
    held.read { held in
      body(
        Counts(
          all: held.deliveries.count, handled: held.handled, ahead: held.ahead.count, parked: held.parked.count,
          settling: held.settling))
    }
  }

  /// How many wait for a slot, having been parked.
  var waitingCount: Int { held.read { $0.waiting.count } }

  /// How many receives are under way.
  var receives: Int { held.read { $0.polls.underWay } }

  /// Whether there is room for one more message to be received.
  var hasRoom: Bool { held.read { [self] in hasRoom($0) && capacity > $0.claims } }

  /// Whether nothing is received because too much is being settled.
  var waitsForSettlements: Bool { held.read { [self] in $0.settling >= settlingLimit } }

  private var settlingLimit: Int { max(capacity * Self.settlingForEachSlot, 100) }

  /// How many more messages of a size may be parked before nothing more is received.
  func parkingRoom(forSize size: Int) -> Int {
    held.read { [self] held in
      min(capacity * Self.parkedForEachSlot - held.parked.count, (Self.byteLimit - held.bytes) / max(size, 1))
    }
  }

  func hasRoom(_ held: Held) -> Bool {
    held.parked.count < capacity * Self.parkedForEachSlot && held.settling < settlingLimit
      && held.bytes < Self.byteLimit
  }

  /// Frees the slot of a delivery whose handler has returned. It is being settled from now on.
  ///
  /// - Returns: those whose handling is to begin.
  func beginSettlement(_ delivery: Delivery) -> [Delivery] {
    change { held in
      held.settling += 1
      return held.parked.isEmpty || held.parked.remove(delivery) == nil
    }
  }

  /// Lets go of a delivery whose settlement has ended.
  func remove(_ delivery: Delivery) {
    held.update { held in
      held.settling -= 1
      if held.deliveries.remove(delivery) != nil { held.bytes -= delivery.size }
    }
  }

  /// Frees a delivery's slot, until it takes one again.
  ///
  /// - Returns: those whose handling is to begin.
  func park(_ delivery: Delivery) -> [Delivery] {
    change { held in
      held.parked.insert(delivery)
      return false
    }
  }

  /// Gives nobody a slot any more: one that is parked waits until it is cancelled.
  ///
  /// - Returns: those that were received ahead and have had no slot, to be given back.
  func closeSlots() -> [Delivery] {
    held.update { held in
      held.areSlotsClosed = true
      defer { held.ahead = [] }
      return Array(held.ahead)
    }
  }

  /// Makes a change, and then gives the free slots to those that wait for one: the parked first, which came earlier.
  ///
  /// - Parameter change: Returns whether a handler has ended.
  func change(_ change: @Sendable (inout Held) -> Bool) -> [Delivery] {
    let now = clock.now
    let ready = held.update { [capacity] held in
      let hasEnded = change(&held)
      var ready = Ready()
      while !held.areSlotsClosed, held.handled < capacity {
        if let next = held.queue.popFirst() {
          guard let continuation = held.waiting.removeValue(forKey: next) else { continue }
          held.parked.remove(next)
          ready.resume.append(continuation)
        } else if let next = held.ahead.popFirst() {
          ready.begin.append(next)
        } else {
          break
        }
      }
      held.prefetch.recordBusy(held.handled, hasEnded: hasEnded, at: now)
      return ready
    }
    for continuation in ready.resume { continuation.resume() }
    return ready.begin
  }

  /// Waits until a delivery that is parked has a slot again: those that wait get one in the order in which they came.
  ///
  /// - Throws: `CancellationError`.
  func takeSlot(_ delivery: Delivery) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let now = clock.now
        let outcome = held.update { held -> Result<Void, any Error>? in
          // Seen here, or else by the handler below, which comes for this lock after us.
          if Task.isCancelled { return .failure(CancellationError()) }
          guard !held.areSlotsClosed, held.handled < self.capacity, held.waiting.isEmpty else {
            held.waiting[delivery] = continuation
            held.queue.append(delivery)
            return nil
          }
          held.parked.remove(delivery)
          held.prefetch.recordBusy(held.handled, at: now)
          return .success(())
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      let continuation = held.update { $0.waiting.removeValue(forKey: delivery) }
      continuation?.resume(throwing: CancellationError())
    }
  }

  /// Waits until no others are in flight than these.
  func untilWithin(_ deliveries: Set<Delivery>) async throws {
    try await held.wait { $0.deliveries.isSubset(of: deliveries) }
  }
}
