/// A message's order in its FIFO group, among those that one receive brought: it starts after its predecessor is deleted or
/// dead-lettered. Where the predecessor stays on the queue, its successors are given back.
///
/// Groups are handled side by side, and what waits takes up no slot. SQS hands out none of a group while one of it is in flight,
/// and counts a receive for each that is given back. So a message that fails and has successors in flight is tried again here,
/// after its backoff, with all leases kept: given back, the successors would use up their receives untried. After as many tries
/// as the redrive policy allows it is dead-lettered, and its successor starts.
package final class FIFOOrder: Sendable {
  private enum End: Sendable {
    /// Deleted, or in the dead-letter queue.
    case offQueue
    /// It comes again, and is the first of its group then.
    case onQueue
  }

  private let predecessor: FIFOOrder?
  /// Whether another of its group waits for this one.
  let hasSuccessor: Bool
  private let end = AsyncValue<End?>(nil)

  init(after predecessor: FIFOOrder?, hasSuccessor: Bool) {
    self.predecessor = predecessor
    self.hasSuccessor = hasSuccessor
  }

  /// Whether it need not wait for its predecessor any more.
  var isDecided: Bool { predecessor.map { $0.end.value != nil } ?? true }

  /// Waits for the predecessor's end.
  ///
  /// - Returns: whether it is off the queue.
  /// - Throws: `CancellationError`.
  func untilPredecessorEnds() async throws -> Bool {
    guard let predecessor else { return true }
    try await predecessor.end.wait { $0 != nil }
    return predecessor.end.value == .offQueue
  }

  /// Lets the successor start, or be given back; the first call counts.
  func end(isOffQueue: Bool) {
    end.update { $0 = $0 ?? (isOffQueue ? .offQueue : .onQueue) }
  }

  /// The order of messages in their groups; nil for those that have no group.
  static func orders(of messages: [ReceivedMessage]) -> [FIFOOrder?] {
    var last: [String: Int] = [:]
    for (index, message) in messages.enumerated() {
      if let group = message.groupID { last[group] = index }
    }
    var orders: [String: FIFOOrder] = [:]
    return messages.enumerated().map { index, message in
      guard let group = message.groupID else { return nil }
      let order = FIFOOrder(after: orders[group], hasSuccessor: last[group] != index)
      orders[group] = order
      return order
    }
  }
}

extension QueueConsumer {
  /// How many messages a receive may ask for.
  var receiveLimit: Int {
    // One that is left on the queue holds back its group for its timeout, and nothing may be in flight behind it.
    let mayLeaveSome = table.unrouted == .leave || !progress.canDeadLetter
    return queue.isFIFO && mayLeaveSome ? 1 : min(configuration.maxMessages, 10)
  }

  /// Waits until a delivery's predecessor is off the queue; false where it stays, or a shutdown or a lost lease ends the wait.
  @inline(never)
  func waitsForPredecessor(_ delivery: Delivery, _ order: FIFOOrder) async -> Bool {
    do {
      if !order.isDecided {
        park(delivery)
        // To be given back, it needs no slot.
        guard try await order.untilPredecessorEnds(), await takesSlot(delivery) else { return false }
      }
      return try await order.untilPredecessorEnds()
    } catch {
      return false
    }
  }

  /// After how long a delivery is tried again here, for it has successors; nil where it is to be settled.
  @inline(never)
  func retryDelayInFlight(of delivery: Delivery, _ settlement: Settlement) -> Duration? {
    guard case .retry(let delay, _) = settlement, delivery.order?.hasSuccessor == true else { return nil }
    return delay
  }
}
