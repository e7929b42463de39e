import Logging

/// The order of a shutdown, and the longest that each step takes:
///
/// 1. no receive is begun, and those under way end: the wait time and two seconds;
/// 2. drain: what is in flight is handled, what was received ahead as well, and settled: the deadline;
/// 3. give back what has had no slot yet, and cancel the handlers that are left; those that heed it give their messages
///    back: a second;
/// 4. give back the messages of those that do not, so that another worker can have them at once: ten seconds;
/// 5. report them, for they alone keep the consumer from returning.
///
/// A second signal ends the process at any time.
extension QueueConsumer {
  /// How long a cancelled handler has to end.
  private static let cancellationGrace = Duration.seconds(1)
  /// How long settlements that are under way may take, beside handlers that are stuck.
  private static let settlementGrace = Duration.seconds(10)

  /// Returns when nothing is in flight any more.
  func drain() async {
    let waiting = inFlight.deliveries.count
    if waiting > 0 {
      logger.notice(
        "finishing the messages received",
        metadata: ["messages": "\(waiting)", "deadline": "\(configuration.shutdownDeadline.inSeconds)s"])
    }
    if Task.isCancelled == false, await isDrained(within: configuration.shutdownDeadline) { return }
    logger.warning(
      "the shutdown deadline has passed; remaining handlers are cancelled, and their messages are made visible again",
      metadata: ["messages": "\(inFlight.deliveries.count)"])
    // First, or else a message would begin in the slot of a handler that heeds its cancellation, before it is cancelled itself.
    let ahead = inFlight.closeSlots()
    for delivery in inFlight.deliveries { delivery.cancel() }
    begin(ahead)
    if await isDrained(within: Self.cancellationGrace) { return }
    await abandonStuckHandlers()
  }

  private func abandonStuckHandlers() async {
    let stuck = inFlight.deliveries.filter { $0.claim(.settled) }
    // Those that never had a thread are given back, too, and have done nothing wrong.
    for delivery in stuck where delivery.hasBegun {
      logger.error(
        "a handler ignores its cancellation; its message is made visible again",
        metadata: delivery.metadata.merging([
          "heldFor": "\((clock.now - delivery.receivedAt).inSeconds)s"
        ]) { $1 })
    }
    let givenBack = AsyncValue(0)
    for delivery in stuck {
      settler.settle(delivery, .release, lease: lease) { outcome in
        self.record(outcome, of: delivery)
        givenBack.update { $0 += 1 }
      }
    }
    // Those whose lease was lost are nobody's to give back, and their handlers may be as stuck. The others have ended, and
    // are being settled.
    let lost = inFlight.deliveries.filter { $0.state == .lost }
    _ = await clock.isMet(within: Self.settlementGrace) {
      try await givenBack.wait { $0 == stuck.count }
      try await self.inFlight.untilWithin(stuck.union(lost))
    }
    if !inFlight.deliveries.isEmpty {
      onStuckHandlers?()
    }
    await shieldedFromCancellation { try? await self.inFlight.untilWithin([]) }
  }

  private func isDrained(within limit: Duration) async -> Bool {
    await clock.isMet(within: limit) { try await self.inFlight.untilWithin([]) }
  }
}
