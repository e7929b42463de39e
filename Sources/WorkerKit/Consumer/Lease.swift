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
  /// Makes a delivery invisible for so long from now.
  let extend: @Sendable (Delivery, Duration) async -> Result<Void, QueueError>

  /// Runs an operation while keeping the lease of its delivery.
  ///
  /// - Returns: the operation's result; nil when the lease was lost, and then the operation has been cancelled and has
  ///   ended, and the delivery cannot be settled any more.
  func holding<Success: Sendable>(
    _ delivery: Delivery, _ operation: @escaping @Sendable () async -> Success
  ) async -> Success? {
    await withTaskGroup(of: Success?.self) { group in
      group.addTask { await operation() }
      group.addTask {
        await keep(delivery)
        return nil
      }
      group.addTask {
        await watch(delivery)
        return nil
      }
      var result: Success?
      for await outcome in group {
        // Whichever ends first ends the others. All have ended when the loop has, so that no renewal can come after
        // the settlement.
        result = outcome ?? result
        group.cancelAll()
      }
      return delivery.state == .lost ? nil : result
    }
  }

  /// Returns when the lease is over, even while a renewal hangs; or when cancelled.
  private func watch(_ delivery: Delivery) async {
    while delivery.state == .held {
      let left = delivery.leaseEnd - clock.now
      guard left > .zero else {
        _ = delivery.claim(.lost)
        return
      }
      guard (try? await clock.sleep(for: left)) != nil else { return }
    }
  }

  /// Renews until cancelled, or until the lease is lost.
  private func keep(_ delivery: Delivery) async {
    while true {
      let left = delivery.leaseEnd - clock.now
      guard left > .zero else {
        _ = delivery.claim(.lost)
        return
      }
      guard (try? await clock.sleep(for: Self.wait(left: left))) != nil else { return }
      let timeout = Self.extension(visibilityTimeout, heldFor: clock.now - delivery.receivedAt)
      // Near SQS's limit, asking would shorten the lease.
      guard timeout > delivery.leaseEnd - clock.now else { continue }
      let askedAt = clock.now
      switch await extend(delivery, timeout) {
      case .success: delivery.leaseEnd = askedAt + timeout
      case .failure(let error) where error.isLeaseLost:
        _ = delivery.claim(.lost)
        return
      case .failure: break
      }
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
