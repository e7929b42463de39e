import Logging

/// One receive of one message, and who may still settle it.
///
/// A message is settled at most once a receive: by its handler's outcome, or by the shutdown that gives it back, but
/// not after its lease was lost. ``claim(_:)`` decides between them.
package final class Delivery: Sendable, Hashable {
  enum State: Sendable, Hashable {
    /// Its handler runs.
    case held
    /// Its outcome is being told to the queue.
    case settled
    /// Someone else may have it by now.
    case lost
  }

  let message: ReceivedMessage
  /// By the consumer's clock, when the answer came. SQS's own count began the way back earlier, which is little beside
  /// what the lease keeps in reserve.
  let receivedAt: Duration
  /// In its group; nil on a queue without order.
  let place: GroupPlace?
  private let storage: Locked<Storage>

  private struct Storage {
    var state = State.held
    var leaseEnd: Duration
    var route: String?
    /// Handles the message.
    var task: Task<Void, Never>?
    var isCancelled = false
    /// When the lease is looked after next; nil when that is over.
    var leaseDeadline: Deadlines.ID?
    var renewal: Task<Void, Never>?
    var isLeaseKept = true
  }

  package init(message: ReceivedMessage, receivedAt: Duration, visibilityTimeout: Duration, place: GroupPlace? = nil) {
    self.message = message
    self.receivedAt = receivedAt
    self.place = place
    storage = Locked(Storage(leaseEnd: receivedAt + visibilityTimeout))
  }

  var state: State { storage.withLock { $0.state } }

  var leaseEnd: Duration {
    get { storage.withLock { $0.leaseEnd } }
    set { storage.withLock { $0.leaseEnd = newValue } }
  }

  /// The label of its route, as soon as its body has been looked at.
  var route: String? {
    get { storage.withLock { $0.route } }
    set { storage.withLock { $0.route = newValue } }
  }

  /// For every line of the log that is about it.
  var metadata: Logger.Metadata {
    var metadata: Logger.Metadata = ["messageId": "\(message.id)", "attempt": "\(message.receiveCount)"]
    metadata["route"] = route.map { "\($0)" }
    return metadata
  }

  /// Takes the sole right to settle, or marks the lease as lost.
  ///
  /// - Returns: false when another claim came first.
  func claim(_ state: State) -> Bool {
    let isFirst = storage.withLock { storage in
      guard storage.state == .held else { return false }
      storage.state = state
      return true
    }
    // Those behind it are given back at once: they would keep the queue from giving it to anybody.
    if isFirst, state == .lost { place?.leave(isGone: false) }
    return isFirst
  }

  /// Begins the task that handles the message. It ends with ``InFlight/remove(_:)``, for which the consumer waits.
  func handle(_ operation: @escaping @Sendable () async -> Void) {
    storage.withLock { storage in
      let task = Task { await operation() }
      storage.task = task
      if storage.isCancelled { task.cancel() }
    }
  }

  /// Cancels the task that handles the message.
  func cancel() {
    let task = storage.withLock { storage in
      storage.isCancelled = true
      return storage.task
    }
    task?.cancel()
  }

  package static func == (first: Delivery, second: Delivery) -> Bool { first === second }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(self))
  }
}

/// What ``Lease`` keeps here.
extension Delivery {
  /// Marks the lease as lost, and cancels what is done for the message.
  func lose() {
    if claim(.lost) { cancel() }
  }

  /// - Returns: the deadline that is to be called off: the one before, or this one where the lease is not kept any more.
  func watchLease(until deadline: Deadlines.ID) -> Deadlines.ID? {
    storage.withLock { storage in
      guard storage.isLeaseKept else { return deadline }
      defer { storage.leaseDeadline = deadline }
      return storage.leaseDeadline
    }
  }

  /// Begins a renewal, which ``Lease`` waits for; none where the lease is not kept any more.
  func renewLease(_ operation: @escaping @Sendable () async -> Void) {
    storage.withLock { storage in
      if storage.isLeaseKept { storage.renewal = Task { await operation() } }
    }
  }

  /// Ends the keeping of the lease.
  ///
  /// - Returns: what is left of it: a deadline to call off, and a renewal to wait for.
  func endLease() -> (deadline: Deadlines.ID?, renewal: Task<Void, Never>?) {
    storage.withLock { storage in
      storage.isLeaseKept = false
      return (storage.leaseDeadline, storage.renewal)
    }
  }
}
