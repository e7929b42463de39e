/// How a delivery in flight waits: parked, so that its lease is kept and it takes up no slot.
extension QueueConsumer {
  /// Frees a delivery's slot, until it takes one again.
  func park(_ delivery: Delivery) {
    begin(inFlight.park(delivery))
    metrics.recordSlots(inFlight)
  }

  /// Waits for a slot; false where a shutdown or a lost lease ends that.
  func takesSlot(_ delivery: Delivery) async -> Bool {
    defer { metrics.recordSlots(inFlight) }
    return await unlessGivenBack { try await self.inFlight.takeSlot(delivery) } != nil
  }

  /// Waits for so long, and then for a slot; false where a shutdown or a lost lease ends that.
  @inline(never)
  func waits(for delay: Duration, _ delivery: Delivery) async -> Bool {
    let end = clock.now + delay
    park(delivery)
    guard await unlessGivenBack({ try await self.clock.sleep(until: end) }) != nil else { return false }
    return await takesSlot(delivery)
  }

  /// Waits for something that a delivery in flight needs.
  ///
  /// - Returns: nil where a stop or a lost lease ends the wait.
  func unlessGivenBack<Result: Sendable>(_ wait: @escaping @Sendable () async throws -> Result) async -> Result? {
    await withTaskGroup(of: Result?.self) { group in
      group.addTask { try? await wait() }
      group.addTask {
        try? await self.givesBack.wait { $0 }
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      if let first { return first }
      // Where both ended at once, what was waited for is not lost.
      return await group.next() ?? nil
    }
  }
}
