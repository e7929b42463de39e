import Logging

/// The order of a shutdown: receiving stops; then
///
/// 1. drain: handlers finish and their messages are settled, until the deadline;
/// 2. cancel the handlers that are left; those that heed it give their messages back;
/// 3. give back the messages of those that do not, so that another worker can have them at once;
/// 4. report them, for they alone keep the consumer from returning.
extension QueueConsumer {
  /// How long a cancelled handler has to end.
  private static let cancellationGrace = Duration.seconds(1)
  /// How long settlements that are under way may take, beside handlers that are stuck.
  private static let settlementGrace = Duration.seconds(10)

  /// Returns when nothing is in hand any more.
  func drain() async {
    let waiting = inFlight.deliveries.count
    if waiting > 0 {
      logger.notice(
        "finishing what is in hand",
        metadata: ["messages": "\(waiting)", "deadline": "\(configuration.shutdownDeadline.inSeconds)s"])
    }
    if Task.isCancelled == false, await isDrained(within: configuration.shutdownDeadline) { return }
    logger.warning(
      "the deadline is over: the handlers that are left are cancelled, and their messages given back",
      metadata: ["messages": "\(inFlight.deliveries.count)"])
    for delivery in inFlight.deliveries { delivery.cancel() }
    if await isDrained(within: Self.cancellationGrace) { return }
    await abandonStuckHandlers()
  }

  private func abandonStuckHandlers() async {
    let stuck = inFlight.deliveries.filter { $0.claim(.settled) }
    for delivery in stuck {
      logger.error(
        "a handler ignores its cancellation; its message is given back",
        metadata: delivery.metadata.merging([
          "heldFor": "\((clock.now - delivery.receivedAt).inSeconds)s"
        ]) { $1 })
    }
    await withDiscardingTaskGroup { group in
      for delivery in stuck {
        group.addTask {
          let outcome = await self.settler.settle(delivery, .release)
          self.metrics.noteSettlement(outcome, of: delivery.message, route: delivery.route ?? RouteMatch.unrouted)
          self.tally.add(outcome.name)
        }
      }
    }
    // Those whose lease was lost are nobody's to give back, and their handlers may be as stuck. The others have ended, and
    // are being settled.
    let lost = inFlight.deliveries.filter { $0.state == .lost }
    _ = await isMet(within: Self.settlementGrace) { try await self.inFlight.untilWithin(stuck.union(lost)) }
    if !inFlight.deliveries.isEmpty {
      onStuckHandlers?()
    }
    await shieldedFromCancellation { try? await self.inFlight.untilWithin([]) }
  }

  private func isDrained(within limit: Duration) async -> Bool {
    await isMet(within: limit) { try await self.inFlight.untilWithin([]) }
  }

  /// Waits for something, though the task be cancelled; false when the time is over first.
  private func isMet(within limit: Duration, _ wait: @escaping @Sendable () async throws -> Void) async -> Bool {
    await shieldedFromCancellation {
      await withTaskGroup(of: Bool.self) { group in
        group.addTask { (try? await wait()) != nil }
        group.addTask { (try? await self.clock.sleep(for: limit)) == nil }
        let first = await group.next() ?? false
        group.cancelAll()
        return first
      }
    }
  }
}
