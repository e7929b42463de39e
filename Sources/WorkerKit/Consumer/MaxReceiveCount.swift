/// Where the queue's `maxReceiveCount` is applied.
///
/// SQS dead-letters a message at the receive *after* `maxReceiveCount`, without saying why it failed. So the worker does it itself:
///
/// | | when |
/// |---|---|
/// | a transient failure | at the last receive that the policy allows: ``Processor`` |
/// | a FIFO message that is tried again in flight | when receives and tries are more than that |
extension QueueConsumer {
  /// How often a message is received before SQS dead-letters it; nil where the queue has no redrive policy.
  var redriveLimit: Int? {
    switch progress.redrive {
    case .unknown: configuration.maxReceiveCount
    case .known(let policy): policy?.maxReceiveCount
    }
  }

  /// Whether a delivery has been received and tried more often than the redrive policy allows.
  @inline(never)
  func isExhausted(_ delivery: Delivery) -> Bool {
    redriveLimit.map { delivery.attempt > $0 } ?? false
  }
}

extension HandlingFailure.Plan {
  /// This plan, or a dead letter where it is a retry that the redrive policy would not allow.
  ///
  /// - Parameters:
  ///   - attempt: Of the receives and tries, which this one is.
  ///   - limit: `maxReceiveCount`; nil where there is none, or it is not known.
  /// - Returns: the plan, and the backoff that the retry would have had.
  func applying(_ limit: Int?, toAttempt attempt: Int) -> (plan: Self, backoff: Duration?) {
    guard case .retry(let delay) = self, let limit, attempt >= limit else { return (self, nil) }
    return (.deadLetter, delay)
  }
}
