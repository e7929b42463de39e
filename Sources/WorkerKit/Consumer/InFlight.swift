/// The deliveries in hand, and so the free slots: there is no second count that could disagree.
final class InFlight: Sendable {
  let capacity: Int
  private let held = Watched<Set<Delivery>>([])

  init(capacity: Int) {
    self.capacity = capacity
  }

  var deliveries: Set<Delivery> { held.value }

  func insert(_ delivery: Delivery) {
    held.update { _ = $0.insert(delivery) }
  }

  func remove(_ delivery: Delivery) {
    held.update { _ = $0.remove(delivery) }
  }

  /// Waits for a free slot.
  ///
  /// - Returns: how many are free.
  func freeSlots() async throws -> Int {
    let capacity = capacity
    try await held.wait { $0.count < capacity }
    return capacity - held.value.count
  }

  /// Waits until no others are in hand than these.
  func untilWithin(_ deliveries: Set<Delivery>) async throws {
    try await held.wait { $0.isSubset(of: deliveries) }
  }
}
