/// The deliveries in hand, and so the free slots: there is no second count that could disagree.
final class InFlight: Sendable {
  /// How many may be parked for each slot.
  static let parkedForEachSlot = 10

  private struct Held {
    var deliveries: Set<Delivery> = []
    /// Those of them that wait for something, and take up no slot meanwhile; each with whether it can go on.
    var parked: [Delivery: @Sendable () -> Bool] = [:]
    /// Slots for what a receive may bring.
    var reserved = 0

    var busy: Int { deliveries.count - parked.count + reserved }
  }

  let capacity: Int
  private let held = Watched(Held())

  init(capacity: Int) {
    self.capacity = capacity
  }

  var deliveries: Set<Delivery> { held.value.deliveries }

  /// How many are in hand, and how many of them are parked.
  var counts: (all: Int, parked: Int) {
    let held = held.value
    return (held.deliveries.count, held.parked.count)
  }

  /// Waits for free slots, and reserves them for a receive. What is parked and can go on comes first; and while as many
  /// are parked as may be, there are none.
  ///
  /// - Returns: how many are reserved: `count` at most. ``fill(_:)`` must follow.
  func reserveSlots(_ count: Int) async throws -> Int {
    let capacity = capacity
    try await held.wait { held in
      held.busy < capacity && held.parked.count < capacity * Self.parkedForEachSlot
        && !held.parked.values.contains { canGoOn in canGoOn() }
    }
    return held.update { held in
      held.reserved = max(0, min(count, capacity - held.busy))
      return held.reserved
    }
  }

  /// Puts what a receive has brought into the slots that were reserved for it, and frees the others.
  func fill(_ deliveries: [Delivery]) {
    held.update { held in
      held.reserved = 0
      held.deliveries.formUnion(deliveries)
    }
  }

  func remove(_ delivery: Delivery) {
    held.update { held in
      held.deliveries.remove(delivery)
      held.parked[delivery] = nil
    }
  }

  /// Frees a delivery's slot while it waits for something, and takes one again.
  ///
  /// - Parameters:
  ///   - canGoOn: Whether what it waits for is there.
  ///   - wait: Waits for that.
  func parking<Result>(
    _ delivery: Delivery, until canGoOn: @escaping @Sendable () -> Bool, _ wait: () async throws -> Result
  ) async throws -> Result {
    held.update { $0.parked[delivery] = canGoOn }
    let result = try await wait()
    let capacity = capacity
    while true {
      try await held.wait { $0.busy < capacity }
      let hasSlot = held.update { held in
        guard held.busy < capacity else { return false }
        held.parked[delivery] = nil
        return true
      }
      if hasSlot { return result }
    }
  }

  /// Waits until no others are in hand than these.
  func untilWithin(_ deliveries: Set<Delivery>) async throws {
    try await held.wait { $0.deliveries.isSubset(of: deliveries) }
  }
}
