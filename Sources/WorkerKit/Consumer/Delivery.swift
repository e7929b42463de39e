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
  private let storage: Locked<(state: State, leaseEnd: Duration, route: String?)>

  package init(message: ReceivedMessage, receivedAt: Duration, visibilityTimeout: Duration, place: GroupPlace? = nil) {
    self.message = message
    self.receivedAt = receivedAt
    self.place = place
    storage = Locked((.held, receivedAt + visibilityTimeout, nil))
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

  package static func == (first: Delivery, second: Delivery) -> Bool { first === second }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(ObjectIdentifier(self))
  }
}
