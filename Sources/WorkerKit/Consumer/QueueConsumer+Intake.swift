import ServiceLifecycle

/// What the consumer does while a plugin is down.
///
/// A queue cannot be asked for some routes' messages alone. So as long as one route's plugin is well, messages are
/// received; those of a plugin that is down are parked: their leases are kept and they take up no slot, ten times as
/// many as there are slots at most. When they are that many, or when every plugin is down, nothing is received. What is
/// parked is handled when its plugin is well again, with no receive lost.
extension QueueConsumer {
  /// Whether a route takes its events in.
  var isIntakeOpen: Bool { table.gates?.contains(where: \.isOpen) ?? true }

  /// Waits until a route takes its events in.
  func untilIntakeIsOpen() async throws {
    guard !isIntakeOpen, let gates = table.gates else { return }
    progress.enter(.waitingForPlugins)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for gate in gates {
        group.addTask { try await gate.untilOpen(clock: self.clock, logger: self.logger) }
      }
      try await group.next()
      group.cancelAll()
    }
  }

  /// Handles a delivery, again where its plugin was down.
  ///
  /// - Parameter earlierTries: How often it was handled before in this receive.
  func process(_ delivery: Delivery, _ match: RouteMatch, earlierTries: Int = 0) async -> Settlement {
    if let gate = match.route?.gate {
      await process(delivery, match, earlierTries, through: gate)
    } else {
      await processor.process(delivery.message, match, earlierTries: earlierTries)
    }
  }

  private func process(
    _ delivery: Delivery, _ match: RouteMatch, _ earlierTries: Int, through gate: IntakeGate
  ) async -> Settlement {
    while true {
      guard await isOpen(gate, for: delivery) else { return .release }
      let settlement = await processor.process(delivery.message, match, earlierTries: earlierTries)
      guard case .retry(_, let failure) = settlement, failure.kind == .unavailable,
        await gate.closes(after: failure, clock: clock, logger: logger)
      else { return settlement }
    }
  }

  /// Waits until a gate is open; false where a shutdown or a lost lease ends that.
  private func isOpen(_ gate: IntakeGate, for delivery: Delivery) async -> Bool {
    if gate.isOpen { return true }
    let wait: Void? = try? await cancelWhenGracefulShutdown {
      try await self.park(delivery, until: { gate.isOpen }) {
        try await gate.untilOpen(clock: self.clock, logger: self.logger) { self.inFlight.lookAgain() }
      }
    }
    return wait != nil
  }

  /// Waits for a slot; false where a shutdown or a lost lease ends that.
  func takesSlot(_ delivery: Delivery) async -> Bool {
    (try? await cancelWhenGracefulShutdown { try await self.inFlight.takeSlot(delivery) }) != nil
  }

  /// Frees a delivery's slot while it waits for something.
  func park<Result>(
    _ delivery: Delivery, until canGoOn: @escaping @Sendable () -> Bool, _ wait: () async throws -> Result
  ) async throws -> Result {
    defer { metrics.noteSlots(inFlight) }
    return try await inFlight.parking(delivery, until: canGoOn) {
      metrics.noteSlots(inFlight)
      return try await wait()
    }
  }
}
