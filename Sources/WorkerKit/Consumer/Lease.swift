/// Keeps a message invisible to others from its receive until its settlement has been answered.
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
final class Lease: Sendable {
  /// The longest that SQS lets a receive hide a message, less what a request may take to get there: asking for more
  /// than is left is an error.
  static let limit = Duration.seconds(43_200 - 5)

  let visibilityTimeout: Duration
  let clock: WorkerClock
  let deadlines: TimerQueue
  /// Makes a delivery invisible for so long from now. No task of its own waits for the answer: it would take three kilobytes,
  /// and all messages in flight can be renewed at once.
  let extend: @Sendable (Delivery, Duration, @escaping @Sendable (Result<Void, QueueError>) -> Void) -> Void

  init(
    visibilityTimeout: Duration, clock: WorkerClock, deadlines: TimerQueue,
    extend: @escaping @Sendable (Delivery, Duration, @escaping @Sendable (Result<Void, QueueError>) -> Void) -> Void
  ) {
    self.visibilityTimeout = visibilityTimeout
    self.clock = clock
    self.deadlines = deadlines
    self.extend = extend
  }

  /// Begins to keep a delivery's lease. Where the lease is lost the delivery's task is cancelled, and it cannot be settled
  /// any more.
  func keep(_ delivery: Delivery) {
    schedule(delivery, at: delivery.receivedAt + Self.wait(left: visibilityTimeout))
  }

  /// Ends the keeping of a lease whose message is settled.
  func end(_ delivery: Delivery) {
    if let deadline = delivery.endLease() { deadlines.cancel(deadline) }
  }

  /// Ends the keeping of a lease, and waits for a renewal that is under way: one that is answered after a change of the
  /// visibility would undo it.
  func endForChange(_ delivery: Delivery) async {
    end(delivery)
    await delivery.untilRenewed()
  }

  private func schedule(_ delivery: Delivery, at time: Duration) {
    let deadline = deadlines.set(at: time) { self.renew(delivery) }
    if let stale = delivery.watchLease(until: deadline) { deadlines.cancel(stale) }
  }

  /// Renews a lease whose time for that has come, or gives it up at its end.
  private func renew(_ delivery: Delivery) {
    let now = clock.now
    let left = delivery.leaseEnd - now
    guard left > .zero else { return delivery.lose() }
    // Even while the renewal hangs.
    schedule(delivery, at: delivery.leaseEnd)
    let timeout = Self.extension(visibilityTimeout, heldFor: now - delivery.receivedAt)
    // Near SQS's limit, asking would shorten the lease.
    guard timeout > left else { return }
    guard delivery.beginRenewal() else { return }
    extend(delivery, timeout) { [self] outcome in
      if case .success = outcome { delivery.leaseEnd = now + timeout }
      delivery.endRenewal()
      if case .failure(let error) = outcome, error.isLeaseLost { return delivery.lose() }
      let now = clock.now
      schedule(delivery, at: now + Self.wait(left: delivery.leaseEnd - now))
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
