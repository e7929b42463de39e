import Logging

/// The whole life of a message, a line for each step:
///
///     receive → order → gate → slot → lease { route → decode → middleware → handler } → settle
///
/// | step | where | what it waits for |
/// |---|---|---|
/// | receive | ``Receiver`` | slots that are free, or will be by the time of the answer |
/// | lease | ``Lease`` | nothing: it is renewed from the receive until the queue has answered the settlement |
/// | order | ``FIFOOrder`` | the message's predecessor in its FIFO group |
/// | gate | `QueueConsumer+Gate.swift` | the circuit breaker of the route's plugin, and the route's limit |
/// | slot | ``InFlight`` | a free slot, where one of the two above made it wait |
/// | route, decode, middleware, handler | ``Processor`` | the handler |
/// | settle | ``Settler`` | the queue; the slot is free by then |
///
/// A message that waits keeps its lease and takes up no slot. One that is handled and deleted has three tasks: the delivery's own,
/// in which all of this runs; within it the handler's, which can be cancelled alone (``HandlerCall``); and the call that deletes
/// it, which up to ten messages share (``Batcher``). Any other settlement has one more.
extension QueueConsumer {
  /// Takes a delivery that has a slot to its settlement, in the delivery's own task.
  func handle(_ delivery: Delivery) async {
    processor.route(delivery)
    // It may have lost its lease before it had a slot, or be given back.
    let settlement = delivery.begin() ? await process(delivery) : .release
    settle(delivery, settlement)
  }

  /// Handles a delivery in its order, when it is admitted; again where an outage may be the cause of its failure, or where it would
  /// hold up its successors.
  private func process(_ delivery: Delivery) async -> Settlement {
    if let order = delivery.order, await !waitsForPredecessor(delivery, order) { return .release }
    let limit = limitPassage(of: delivery)
    var hasFailed = false
    while true {
      var admission = admitAtOnce(delivery, limit, hasFailed: hasFailed)
      if admission == nil { admission = await admit(delivery, limit, hasFailed: hasFailed) }
      guard case .start(let permit) = admission else { return admission?.refusal ?? .release }

      let start = limit == nil ? .zero : clock.now
      let settlement = await processor.process(delivery)
      limit?.end(after: clock.now - start)

      var verdict = verdict(on: settlement, of: delivery, permit)
      if verdict == .undecided { verdict = await decidedVerdict(on: delivery) }
      switch verdict {
      case .again, .undecided:
        // An outage that has ended meanwhile says nothing of how long this event's destination asked it to wait.
        if let delay = settlement.retryAfter, await !waits(for: delay, delivery) { return .release }
        hasFailed = true
      case .settle:
        guard let delay = retryDelayInFlight(of: delivery, settlement) else { return settlement }
        delivery.addTry()
        if isExhausted(delivery) { return settlement.asDeadLetter }
        guard await waits(for: delay, delivery) else { return .release }
        hasFailed = false
      case nil:
        return .release
      }
    }
  }

  /// Lets go of what only the handling needed, frees the delivery's slot, and settles it unless its lease was lost or a shutdown
  /// has given it back.
  @inline(never)
  private func settle(_ delivery: Delivery, _ settlement: Settlement) {
    delivery.endHandling()
    begin(inFlight.beginSettlement(delivery))
    metrics.recordSlots(inFlight)
    guard delivery.claim(.settled) else {
      if delivery.state == .lost { recordLoss(of: delivery) }
      return end(delivery)
    }
    settler.settle(delivery, settlement, lease: lease) { outcome in
      if settlement.dependsOnRedrivePolicy { self.progress.recordFailedEvent() }
      if settlement.isDeadLetter { self.progress.canDeadLetter = outcome.isDeadLetter }
      if outcome.isOffQueue { delivery.order?.end(isOffQueue: true) }
      self.record(outcome, of: delivery)
      self.end(delivery)
    }
  }

  /// Counts what became of a message.
  func record(_ outcome: Settlement, of delivery: Delivery) {
    metrics.recordSettlement(outcome, of: delivery.message, route: delivery.route ?? Routing.unrouted)
    outcomeCounts.add(outcome.name)
  }

  private func recordLoss(of delivery: Delivery) {
    lease.end(delivery)
    log.log(
      logger, .warning, "lease lost; another worker may have the message, so its outcome here is ignored",
      delivery.metadata, route: delivery.route)
    metrics.recordLoss()
    record(.lost, of: delivery)
  }

  private func end(_ delivery: Delivery) {
    // Unless its deletion has let its successor start, it stays on the queue, and is the first of its group when it comes again.
    delivery.order?.end(isOffQueue: false)
    inFlight.remove(delivery)
    metrics.recordSlots(inFlight)
  }
}
