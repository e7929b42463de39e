/// The gate: what a message waits for before its handler may start, and what may be received meanwhile.
///
/// The circuit breaker of its route's plugin comes first, then the route's limit, then a slot. The limit's token is taken when the
/// handler starts, so that a wait for a slot does not let handlers start closer together, and an open breaker leaves the tokens to
/// others.
///
/// A queue cannot be asked for some routes' messages alone. So as long as one route takes events, messages are received; those
/// that have to wait are parked, ten times as many as there are slots at most. When they are that many, or when every breaker is
/// open, nothing is received.
extension QueueConsumer {
  /// The answer of the gate.
  enum Admission: Sendable {
    /// Nil where the route has no circuit breaker.
    case start(CircuitBreaker.Permit?)
    case refuse(Settlement)

    var refusal: Settlement? {
      if case .refuse(let settlement) = self { settlement } else { nil }
    }
  }

  // MARK: Receiving

  /// Whether a route takes events.
  var isTakingIn: Bool { intake != .nothing }

  /// What may be received: nothing ahead while a plugin is down, for that might have to wait for it.
  var intake: InFlight.Intake {
    guard let breakers = table.breakersOfAllRoutes else {
      return table.breakers.allSatisfy { $0.problem == nil } ? .ahead : .forFreeSlots
    }
    guard breakers.contains(where: \.isTakingIn) else { return .nothing }
    return breakers.allSatisfy { $0.problem == nil } ? .ahead : .forFreeSlots
  }

  // MARK: Admission

  // None of these is inlined into the pipeline: what they need to wait would take room in every message in flight.

  /// A delivery's passage through its route's limit; nil where there is none.
  @inline(never)
  func limitPassage(of delivery: Delivery) -> RateLimit.Passage? {
    let routing = delivery.routing
    guard let route = routing.route, route.breaker != nil else { return nil }
    return route.limit?.passage(of: routing.body, at: clock.now)
  }

  /// Admits a delivery that has a slot and need not wait.
  ///
  /// - Parameter hasFailed: Whether it has been handled before in this receive, and an outage may be the cause of its failure.
  /// - Returns: nil where it has to wait.
  @inline(never)
  func admitAtOnce(_ delivery: Delivery, _ limit: RateLimit.Passage?, hasFailed: Bool) -> Admission? {
    guard let breaker = delivery.routing.route?.breaker else { return .start(nil) }
    guard !hasFailed, let permit = breaker.permit() else { return nil }
    guard let limit, !limit.startAtOnce(at: clock.now) else { return .start(permit) }
    return postponement(of: delivery, limit).map { .refuse(.postpone(for: $0)) }
  }

  /// Parks a delivery until it may be handled, and has a slot for that.
  ///
  /// - Parameter limit: Where the delivery is admitted, it has started there, too.
  @inline(never)
  func admit(_ delivery: Delivery, _ limit: RateLimit.Passage?, hasFailed: Bool) async -> Admission {
    guard let breaker = delivery.routing.route?.breaker else { return .start(nil) }
    park(delivery)
    while let permit = await permit(of: breaker, hasFailed: hasFailed) {
      guard let limit else {
        return await takesSlot(delivery) ? .start(permit) : giveUp(permit, of: breaker)
      }
      // A stop is no reason to give it back early: until the shutdown's deadline, what can be handled is.
      do { try await limit.untilTurn(clock) } catch { return giveUp(permit, of: breaker) }
      do { try await inFlight.takeSlot(delivery) } catch {
        limit.leave()
        return giveUp(permit, of: breaker)
      }
      metrics.recordSlots(inFlight)
      // The breaker may have opened meanwhile.
      if let permit = permit == .probe ? permit : breaker.permit() {
        limit.start(at: clock.now)
        return .start(permit)
      }
      limit.leave()
      park(delivery)
    }
    return .refuse(.release)
  }

  /// A probe is another's then.
  private func giveUp(_ permit: CircuitBreaker.Permit, of breaker: CircuitBreaker) -> Admission {
    _ = breaker.record(.other, of: permit, at: clock.now)
    return .refuse(.release)
  }

  /// For how long a message is given back that would take up the room of others, where it waits for its limit.
  ///
  /// That costs it a receive. So it happens in its first alone, and where it has two left; never on a FIFO queue, where it would
  /// take along what is behind it, nor where all events wait for one limit.
  ///
  /// - Returns: nil where it may wait here.
  private func postponement(of delivery: Delivery, _ limit: RateLimit.Passage) -> Duration? {
    guard !queue.isFIFO, !table.isOneBucket, delivery.message.receiveCount == 1, redriveLimit ?? .max > 2 else {
      return nil
    }
    return limit.postponement(room: inFlight.parkingRoom(forSize: delivery.size), at: clock.now)
  }

  /// Waits until a circuit breaker permits a delivery; nil where a shutdown or a lost lease ends the wait.
  private func permit(of breaker: CircuitBreaker, hasFailed: Bool) async -> CircuitBreaker.Permit? {
    await unlessGivenBack {
      if let permit = breaker.permit() { return permit }
      return try await breaker.untilPermitted(hasFailed: hasFailed)
    }
  }

  // MARK: The breaker's verdict

  /// Tells a delivery's circuit breaker how it ended.
  ///
  /// - Returns: whether that counts, or it is to be handled again.
  @inline(never)
  func verdict(
    on settlement: Settlement, of delivery: Delivery, _ permit: CircuitBreaker.Permit?
  ) -> CircuitBreaker.Verdict? {
    guard let permit, let breaker = delivery.routing.route?.breaker else { return .settle }
    let outcome: CircuitBreaker.Outcome =
      switch settlement {
      case .delete: .handled
      case .retry(_, let failure) where failure.refusal != nil, .deadLetter(let failure) where failure.refusal != nil:
        .refused(failure)
      case .retry(_, let failure) where failure.kind.canBeOutage: .failed(failure, messageID: delivery.message.id)
      case .deadLetter(let failure) where failure.isExhausted && failure.kind.canBeOutage:
        .failed(failure, messageID: delivery.message.id)
      case .retry, .deadLetter: .eventFailed
      default: .other
      }
    return breaker.record(outcome, of: permit, at: clock.now)
  }

  /// Parks a delivery until its circuit breaker has decided whether there is an outage; nil where a shutdown or a lost lease ends the
  /// wait. To be settled, it needs no slot.
  @inline(never)
  func decidedVerdict(on delivery: Delivery) async -> CircuitBreaker.Verdict? {
    guard let breaker = delivery.routing.route?.breaker else { return .settle }
    park(delivery)
    return await unlessGivenBack { try await breaker.untilDecided() }
  }
}
