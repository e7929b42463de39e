import Logging
import WorkerLocks

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
  /// Of its message, in bytes.
  let size: Int
  /// By the consumer's clock, when the answer came. SQS's own count began the way back earlier, which is little beside
  /// what the lease keeps in reserve.
  let receivedAt: Duration
  /// In its FIFO group; nil where it has none.
  let order: FIFOOrder?
  private let storage: Mutex<Storage>

  private struct Storage {
    var state = State.held
    var leaseEnd: Duration
    var routing: Routing?
    var route: String?
    var tries = 0
    /// Handles the message.
    var task: Task<Void, Never>?
    var isCancelled = false
    var hasBegun = false
    var hasEnded = false
    /// When the lease is looked after next; nil when that is over.
    var leaseDeadline: TimerQueue.ID?
    var isLeaseKept = true
    /// Whether a renewal is under way, and who waits for its end.
    var isRenewing = false
    var renewalWaiter: CheckedContinuation<Void, Never>?
  }

  package init(message: ReceivedMessage, receivedAt: Duration, visibilityTimeout: Duration, order: FIFOOrder? = nil) {
    size = message.size
    self.message = message
    self.receivedAt = receivedAt
    self.order = order
    storage = Mutex(Storage(leaseEnd: receivedAt + visibilityTimeout))
  }

  var state: State { storage.withLock { $0.state } }

  var leaseEnd: Duration {
    get { storage.withLock { $0.leaseEnd } }
    set { storage.withLock { $0.leaseEnd = newValue } }
  }

  /// The label of its route; nil before its body has been read.
  var route: String? { storage.withLock { $0.route } }

  /// Its route, or why it has none: found by ``Processor/route(_:)`` before anything else is asked of it, and not asked for
  /// once its handling has ended.
  var routing: Routing {
    get {
      guard let routing = storage.withLock({ $0.routing }) else {
        preconditionFailure("a message was handled without its route")
      }
      return routing
    }
    set {
      storage.withLock { storage in
        storage.routing = newValue
        storage.route = newValue.label
      }
    }
  }

  /// How often the message was received, and tried in this receive before: each try counts like a receive.
  var attempt: Int { message.receiveCount + storage.withLock { $0.tries } }

  /// Counts a try in this receive.
  @inline(never)
  func addTry() {
    storage.withLock { $0.tries += 1 }
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
    if isFirst, state == .lost { order?.end(isOffQueue: false) }
    return isFirst
  }

  /// Keeps the task that handles the message, which ``cancel()`` cancels. The task may have begun already, or ended.
  func keep(_ task: Task<Void, Never>) {
    storage.withLock { storage in
      guard !storage.hasEnded else { return }
      storage.task = task
      if storage.isCancelled { task.cancel() }
    }
  }

  /// Lets go of what only its handling needs: its task, and its parsed body. Many messages wait for the answer to their
  /// settlement, which takes a round trip.
  func endHandling() {
    // Released after the lock.
    _ = storage.withLock { storage in
      storage.hasEnded = true
      return (storage.task.take(), storage.routing.take())
    }
  }

  /// Notes that its handling begins.
  ///
  /// - Returns: false where the delivery was cancelled before. Its task may not know that: it can have a thread before it is kept.
  func begin() -> Bool {
    storage.withLock { storage in
      storage.hasBegun = true
      return !storage.isCancelled
    }
  }

  /// Whether its handling has begun: its task has had a thread.
  var hasBegun: Bool { storage.withLock { $0.hasBegun } }

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
  func watchLease(until deadline: TimerQueue.ID) -> TimerQueue.ID? {
    storage.withLock { storage in
      guard storage.isLeaseKept else { return deadline }
      defer { storage.leaseDeadline = deadline }
      return storage.leaseDeadline
    }
  }

  /// - Returns: false where the lease is not kept any more. Otherwise ``endRenewal()`` must follow.
  func beginRenewal() -> Bool {
    storage.withLock { storage in
      storage.isRenewing = storage.isLeaseKept
      return storage.isLeaseKept
    }
  }

  func endRenewal() {
    let waiter = storage.withLock { storage in
      storage.isRenewing = false
      return storage.renewalWaiter.take()
    }
    waiter?.resume()
  }

  /// Waits for the renewal that is under way, if there is one. One task at most waits.
  func untilRenewed() async {
    await withCheckedContinuation { waiter in
      let isRenewing = storage.withLock { storage in
        if storage.isRenewing { storage.renewalWaiter = waiter }
        return storage.isRenewing
      }
      if !isRenewing { waiter.resume() }
    }
  }

  /// Ends the keeping of the lease.
  ///
  /// - Returns: a deadline to call off.
  func endLease() -> TimerQueue.ID? {
    storage.withLock { storage in
      storage.isLeaseKept = false
      return storage.leaseDeadline
    }
  }
}
