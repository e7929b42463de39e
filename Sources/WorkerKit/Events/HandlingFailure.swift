import Tracing

/// Why a message was not handled, and what follows: what the error became under its route's policy.
///
/// Middleware sees it as the error that ``EventMiddleware/handle(_:next:)`` throws.
public struct HandlingFailure: ClassifiedError, CustomStringConvertible {
  /// What becomes of the message.
  public enum Plan: Sendable, Hashable {
    /// The message becomes visible again after a while.
    case retry(after: Duration)
    /// The message goes to the dead-letter queue.
    case deadLetter
    /// The message stays invisible until its timeout ends.
    case leave
  }

  /// What kind of thing went wrong; the route's policy decides by it.
  public var kind: ErrorKind
  /// The cause and the next step; holds no part of the event.
  public var message: String
  /// The field of the event at fault, as a path: `rewards[2].itemTypeId`.
  public var field: String?
  /// What came, shortened: for the dead-letter queue alone.
  public var received: String?
  /// `<plugin>.<handler>`; nil where no route took the message.
  public var handler: String?
  /// The eventType of the route; nil where no route took the message.
  public var route: String?
  /// W3C trace id, where a tracer is at work.
  public var traceID: String?
  /// The type of the error that was thrown, with its module.
  public var errorType = ""
  /// Where it was thrown, where it says so.
  public var location: CodeLocation?
  /// The errors behind it, the nearest first.
  public var causes: [String] = []
  /// How long the dependency asked to be left alone, as far as that is heeded.
  public var retryAfter: Duration?
  /// What it says of the dependency as a whole.
  public var refusal: DependencyRefusal?
  /// What follows from the failure under the route's policy.
  public var settlement: Plan
  /// On the last receive that the queue's redrive policy allows: the backoff after which the message comes again where it
  /// cannot be dead-lettered. Nil where the failure is permanent, or another receive is left.
  var backoffOfLastAttempt: Duration?
  /// What this process has seen the event fail with, this time included; the last five.
  var attempts: [FailedAttempt] = []
  /// The span in which it was thrown.
  var traceContext: ServiceContext?

  /// Whether another attempt might have helped, and the queue's redrive policy allows none.
  public var isExhausted: Bool { backoffOfLastAttempt != nil }

  /// The kind and the message.
  public var description: String { "\(kind): \(message)" }
}
