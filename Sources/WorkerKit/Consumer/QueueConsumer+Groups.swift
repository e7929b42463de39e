import ServiceLifecycle

/// What the consumer does on a FIFO queue.
///
/// A receive may bring several messages of a group. They are handled one after another, and groups side by side; those
/// that wait take up no slot. SQS gives out none of a group while one of it is in flight, and counts a receive for each
/// that is given back. So a message that fails and has others behind it in hand is tried again here, after its backoff,
/// with all leases kept: given back, they would use up their receives untried. After as many tries as the redrive policy
/// allows it goes to the dead-letter queue, and the next one's turn comes.
extension QueueConsumer {
  /// How many messages a receive may ask for.
  var receiveLimit: Int {
    // One that is left on the queue holds back its group for its timeout, and nothing may be in hand behind it.
    let mayLeaveSome = table.unrouted == .leave || !progress.canDeadLetter
    return queue.isFIFO && mayLeaveSome ? 1 : min(configuration.maxMessages, 10)
  }

  /// Handles a delivery when its turn in its group has come.
  func processInTurn(_ delivery: Delivery, _ match: RouteMatch) async -> Settlement {
    // Apart from this: what waits for a turn takes more room than what does not.
    if let place = delivery.place {
      await process(delivery, match, inTurnAt: place)
    } else {
      await process(delivery, match)
    }
  }

  private func process(_ delivery: Delivery, _ match: RouteMatch, inTurnAt place: GroupPlace) async -> Settlement {
    do {
      if !place.isDecided {
        try await park(delivery, until: { place.isDecided }) {
          // To be given back, it needs no slot.
          guard try await place.untilTurn() else { throw CancellationError() }
        }
      }
      guard try await place.untilTurn() else { return .release }
      var tries = 0
      while true {
        let settlement = await process(delivery, match, earlierTries: tries)
        tries += 1
        switch settlement {
        case .delete:
          // Handled is handled: the deletions of a group's messages may share a call.
          place.leave(isGone: true)
          return settlement
        case .retry(let delay, let failure) where place.isFollowed:
          if let limit = redriveLimit, delivery.message.receiveCount + tries > limit { return .deadLetter(failure) }
          try await waitInHand(delivery, for: delay)
        default:
          return settlement
        }
      }
    } catch {
      return .release
    }
  }

  private func waitInHand(_ delivery: Delivery, for delay: Duration) async throws {
    let clock = clock
    let end = clock.now + delay
    try await cancelWhenGracefulShutdown {
      try await self.park(delivery, until: { clock.now >= end }) { try await clock.sleep(until: end) }
    }
  }

  /// How often a message is received before SQS dead-letters it; nil where the queue has no redrive policy.
  private var redriveLimit: Int? {
    switch progress.redrive {
    case .unknown: configuration.maxReceiveCount
    case .known(let policy): policy?.maxReceiveCount
    }
  }
}
