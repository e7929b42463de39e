/// The deliveries in hand, and so the free slots: there is no second count that could disagree.
final class InFlight: Sendable {
  /// How many may be parked for each slot.
  static let parkedForEachSlot = 10

  private struct Held: Sendable {
    var deliveries: Set<Delivery> = []
    /// Those of them that wait for something, and take up no slot meanwhile; each with whether it can go on.
    var parked: [Delivery: @Sendable () -> Bool] = [:]
    /// Slots for what the receives under way may bring.
    var reserved = 0
    var pace = ReceivePace()
    /// Nothing more is received.
    var isClosed = false
    /// Waiting for more free slots is over.
    var takesFewer = false

    var handled: Int { deliveries.count - parked.count }
    var busy: Int { handled + reserved }
  }

  let capacity: Int
  private let deadlines: Deadlines
  private let held = Watched(Held())

  init(capacity: Int, deadlines: Deadlines) {
    self.capacity = capacity
    self.deadlines = deadlines
  }

  var deliveries: Set<Delivery> { held.value.deliveries }

  /// How many are in hand, and how many of them are parked.
  var counts: (all: Int, parked: Int) { held.read { ($0.deliveries.count, $0.parked.count) } }

  /// How many receives are under way.
  var receives: Int { held.read { $0.pace.underWay } }

  /// Waits until another receive may begin and has free slots, and reserves them. What is parked and can go on comes
  /// first; and while as many are parked as may be, there are none.
  ///
  /// - Parameters:
  ///   - count: How many it would bring at most.
  ///   - patience: How long it waits for that many when some are free. Slots come free one after another, and a receive
  ///     for each would be ten calls where one does.
  /// - Returns: how many are reserved: `count` at most; nil after ``close()``. ``fill(_:of:)`` or ``giveBack(_:)``
  ///   must follow.
  /// - Throws: `CancellationError`.
  func reserveSlots(_ count: Int, patience: Duration) async throws -> Int? {
    let capacity = capacity
    let count = min(count, capacity)
    @Sendable func mayReceive(_ count: Int, _ held: Held) -> Bool {
      held.pace.mayBegin && held.busy + count <= capacity && held.parked.count < capacity * Self.parkedForEachSlot
        && !held.parked.values.contains { canGoOn in canGoOn() }
    }
    try await held.wait { $0.isClosed || mayReceive(1, $0) }
    if patience > .zero, !mayReceive(count, held.value) {
      held.update { $0.takesFewer = false }
      let end = deadlines.set(after: patience) { self.held.update { $0.takesFewer = true } }
      defer { deadlines.callOff(end) }
      try await held.wait { $0.isClosed || mayReceive($0.takesFewer ? 1 : count, $0) }
    }
    return held.update { held in
      guard !held.isClosed else { return nil }
      let slots = max(0, min(count, capacity - held.busy))
      held.reserved += slots
      held.pace.begin()
      return slots
    }
  }

  /// Puts what a receive has brought into the slots that were reserved for it, and frees the others.
  ///
  /// - Returns: how many have a slot. The others, the last ones, are parked: a slot that was reserved for them has been
  ///   taken by one that was parked before, which needs not wait until a poll ends.
  func fill(_ deliveries: [Delivery], of slots: Int) -> Int {
    held.update { held in
      held.reserved -= slots
      held.pace.end(with: deliveries.count, of: slots)
      let count = max(0, min(deliveries.count, capacity - held.handled))
      held.deliveries.formUnion(deliveries)
      for delivery in deliveries.dropFirst(count) { held.parked[delivery] = { true } }
      return count
    }
  }

  /// Frees the slots of a receive that was not made, or was cut.
  func giveBack(_ slots: Int) {
    held.update { held in
      held.reserved -= slots
      held.pace.callOff()
    }
  }

  /// Frees the slots of a receive that has failed; another takes its place after a rest.
  func giveBack(_ slots: Int, resting rest: () async -> Void) async {
    held.update { $0.reserved -= slots }
    await rest()
    held.update { $0.pace.end(with: nil, of: slots) }
  }

  /// Ends the receiving: no slots are reserved any more.
  func close() {
    held.update { $0.isClosed = true }
  }

  func remove(_ delivery: Delivery) {
    held.update { held in
      held.deliveries.remove(delivery)
      if !held.parked.isEmpty { held.parked[delivery] = nil }
    }
  }

  /// Frees a delivery's slot while it waits for something, and takes one again.
  ///
  /// - Parameters:
  ///   - canGoOn: Whether what it waits for is there. Where that can be gone again, ``lookAgain()`` says so.
  ///   - wait: Waits for that.
  func parking<Result>(
    _ delivery: Delivery, until canGoOn: @escaping @Sendable () -> Bool, _ wait: () async throws -> Result
  ) async throws -> Result {
    held.update { $0.parked[delivery] = canGoOn }
    let result = try await wait()
    try await takeSlot(delivery)
    return result
  }

  /// To be called when something that is parked cannot go on after all: a receive may be letting it go first.
  func lookAgain() {
    held.update { _ in }
  }

  /// Waits until a delivery that is parked has a slot again.
  func takeSlot(_ delivery: Delivery) async throws {
    let capacity = capacity
    while true {
      try await held.wait { $0.handled < capacity }
      let hasSlot = held.update { held in
        guard held.handled < capacity else { return false }
        held.parked[delivery] = nil
        return true
      }
      if hasSlot { return }
    }
  }

  /// Waits until no others are in hand than these.
  func untilWithin(_ deliveries: Set<Delivery>) async throws {
    try await held.wait { $0.deliveries.isSubset(of: deliveries) }
  }
}
