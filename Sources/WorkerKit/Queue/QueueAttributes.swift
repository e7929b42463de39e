public import Foundation

/// The attributes of a queue that a consumer acts on.
public struct QueueAttributes: Sendable, Hashable {
  /// The policy that moves a message to the dead-letter queue after too many receives.
  public struct RedrivePolicy: Sendable, Hashable {
    /// The ARN of the dead-letter queue: `arn:aws:sqs:region:account:name`.
    public var deadLetterTargetArn: String
    /// How often a message is received before it is moved.
    public var maxReceiveCount: Int

    /// Creates a policy.
    public init(deadLetterTargetArn: String, maxReceiveCount: Int) {
      self.deadLetterTargetArn = deadLetterTargetArn
      self.maxReceiveCount = maxReceiveCount
    }
  }

  /// The redrive policy; nil if the queue has none. Without one, messages that cannot be handled stay until they
  /// expire.
  public var redrivePolicy: RedrivePolicy?
  /// The default visibility timeout, for receives that do not specify one.
  public var visibilityTimeout: Duration
  /// The approximate number of messages that can be received now.
  public var visibleMessages: Int
  /// The approximate number of messages that were received and not deleted.
  public var messagesInFlight: Int
  /// The approximate number of messages that were sent with a delay that has not ended.
  public var delayedMessages: Int
  /// The queue's time of day when it responded, to the second; nil if the queue does not report it.
  public var answeredAt: Date?

  /// Creates attributes. A transport passes zero for a count that it does not know.
  public init(
    redrivePolicy: RedrivePolicy? = nil,
    visibilityTimeout: Duration = .seconds(30),
    visibleMessages: Int = 0,
    messagesInFlight: Int = 0,
    delayedMessages: Int = 0,
    answeredAt: Date? = nil
  ) {
    self.redrivePolicy = redrivePolicy
    self.visibilityTimeout = visibilityTimeout
    self.visibleMessages = visibleMessages
    self.messagesInFlight = messagesInFlight
    self.delayedMessages = delayedMessages
    self.answeredAt = answeredAt
  }

  /// Whether all of the approximate counts are zero.
  public var isEmpty: Bool { visibleMessages == 0 && messagesInFlight == 0 && delayedMessages == 0 }
}
