/// Keeps a message invisible to others while its handler runs.
///
/// SQS leases a message for its visibility timeout. The lease is renewed when half of it is left, or ten seconds where
/// half is more, so that short timeouts get as many chances as long ones:
///
/// | timeout | 2 s | 10 s | 30 s | 5 min |
/// |---|---|---|---|---|
/// | renewed with this much left | 1 s | 5 s | 10 s | 10 s |
///
/// A renewal that fails is tried again when half of the rest is gone, until the lease ends. SQS ends every lease
/// twelve hours after the receive.
struct Lease: Sendable {
  /// The longest that SQS lets a receive hide a message, less what a request may take to get there: asking for more
  /// than is left is an error.
  static let limit = Duration.seconds(43_200 - 5)

  let visibilityTimeout: Duration
  let clock: WorkerClock
  let deadlines: Deadlines
  /// Makes a delivery invisible for so long from now.
  let extend: @Sendable (Delivery, Duration) async -> Result<Void, QueueError>

  /// Runs the operation of a delivery's task while keeping the delivery's lease.
  ///
  /// - Returns: the operation's result; nil when the lease was lost, and then the task was cancelled, the operation has
  ///   ended, and the delivery cannot be settled any more.
  func holding<Success: Sendable>(_ delivery: Delivery, _ operation: () async -> Success) async -> Success? {
    look(after: delivery, at: delivery.receivedAt + Self.wait(left: visibilityTimeout))
    let result = await operation()
    let (deadline, renewal) = delivery.endLease()
    if let deadline { deadlines.callOff(deadline) }
    // It must not come after the settlement.
    await renewal?.value
    return delivery.state == .lost ? nil : result
  }

  private func look(after delivery: Delivery, at time: Duration) {
    let deadline = deadlines.set(at: time) { renew(delivery) }
    if let stale = delivery.watchLease(until: deadline) { deadlines.callOff(stale) }
  }

  /// Renews a lease whose time for that has come, or gives it up at its end.
  private func renew(_ delivery: Delivery) {
    let now = clock.now
    let left = delivery.leaseEnd - now
    guard left > .zero else { return delivery.lose() }
    // Even while the renewal hangs.
    look(after: delivery, at: delivery.leaseEnd)
    let timeout = Self.extension(visibilityTimeout, heldFor: now - delivery.receivedAt)
    // Near SQS's limit, asking would shorten the lease.
    guard timeout > left else { return }
    delivery.renewLease {
      switch await extend(delivery, timeout) {
      case .success: delivery.leaseEnd = now + timeout
      case .failure(let error) where error.isLeaseLost: return delivery.lose()
      case .failure: break
      }
      let now = clock.now
      look(after: delivery, at: now + Self.wait(left: delivery.leaseEnd - now))
    }
  }

  /// How long to wait before renewing a lease that has so much left.
  static func wait(left: Duration) -> Duration {
    // A whisker at the end is waited out: halving it again and again would ask a failing queue without pause.
    left < .milliseconds(200) ? left : left - min(left / 2, .seconds(10))
  }

  /// What to ask for: the whole timeout, or the whole seconds that are left of SQS's twelve hours.
  static func `extension`(_ visibilityTimeout: Duration, heldFor held: Duration) -> Duration {
    min(visibilityTimeout, .seconds(max(0, (limit - held).inSeconds.rounded(.down))))
  }
}
