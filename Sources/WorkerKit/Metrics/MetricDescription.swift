/// What a metric says, declared once: its kind, its help in an exposition, and how its distribution is counted.
public struct MetricDescription: Sendable, Hashable {
  /// The instrument of swift-metrics that records it.
  public enum Kind: Sendable, Hashable {
    /// A `Counter`.
    case counter
    /// A `Gauge`, a `Meter`, or a `Recorder` that does not aggregate.
    case gauge
    /// A `Recorder` that aggregates.
    case histogram
    /// A `Timer`, which is exposed in seconds.
    case timer
  }

  /// As in swift-metrics and OpenTelemetry: `messaging.process.duration`.
  public var label: String
  public var kind: Kind
  /// One sentence, for the people who read dashboards.
  public var help: String
  /// The upper bounds of a distribution's buckets, ascending; seconds for a timer.
  public var buckets: [Double]

  public init(label: String, kind: Kind, help: String, buckets: [Double] = Self.durationBuckets) {
    self.label = label
    self.kind = kind
    self.help = help
    self.buckets = buckets
  }

  /// What OpenTelemetry's messaging conventions advise for durations, in seconds.
  public static let durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

  /// For ages: from a hundredth of a second to four days, SQS's usual retention.
  public static let ageBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400, 345_600]
}

extension MetricDescription {
  /// Those of the framework. A label's values are names of `routes.yaml`, of a binary's plugins, or of SQS's errors,
  /// never what a message brings.
  public static let framework: [MetricDescription] = [
    consumedMessages, sentMessages, operationDuration, processDuration, settledMessages, messageAge, messageLatency,
    inFlight, freeSlots, parked, extendedLeases, lostLeases, stuckHandlers, openIntake, receiveFailures, lastReceive,
    queueMessages, deadLetters, droppedTelemetry,
  ]

  static let consumedMessages = Self(
    label: "messaging.client.consumed.messages", kind: .counter,
    help: "Messages received, counted again at each delivery.")
  static let sentMessages = Self(
    label: "messaging.client.sent.messages", kind: .counter,
    help: "Messages sent: to a dead-letter queue, or back from one.")
  static let operationDuration = Self(
    label: "messaging.client.operation.duration", kind: .timer,
    help: "How long a call to SQS took, in seconds, its retries included; long polls wait in it.")
  static let processDuration = Self(
    label: "messaging.process.duration", kind: .timer,
    help: "How long a handler took, in seconds, by what it failed with.")
  static let settledMessages = Self(
    label: "worker.messages.settled", kind: .counter,
    help: "What became of messages: handled, retried, dead-lettered, released, left or lost.")
  static let messageAge = Self(
    label: "worker.message.age", kind: .timer,
    help: "How old messages were when they were received, in seconds since they were sent.",
    buckets: ageBuckets)
  static let messageLatency = Self(
    label: "worker.message.latency", kind: .timer,
    help: "From a message's sending to the end of its handling, in seconds.",
    buckets: ageBuckets)
  static let inFlight = Self(
    label: "worker.messages.in_flight", kind: .gauge, help: "Messages in hand, those parked included.")
  static let freeSlots = Self(
    label: "worker.slots.free", kind: .gauge, help: "How many messages more could be handled at once.")
  static let parked = Self(
    label: "worker.messages.parked", kind: .gauge,
    help: "Messages in hand that wait for their plugin, or for one before them.")
  static let extendedLeases = Self(
    label: "worker.leases.extended", kind: .counter, help: "Visibility timeouts that were extended.")
  static let lostLeases = Self(
    label: "worker.leases.lost", kind: .counter,
    help: "Messages whose visibility timeout ended while they were in hand.")
  static let stuckHandlers = Self(
    label: "worker.handlers.stuck", kind: .counter, help: "Handlers that went on though they had been told to stop.")
  static let openIntake = Self(
    label: "worker.intake.open", kind: .gauge, help: "Whether a plugin's events are taken in: 1, or 0 while it is down."
  )
  static let receiveFailures = Self(
    label: "worker.receive.failures", kind: .counter, help: "Receives that failed, after the client's own retries.")
  static let lastReceive = Self(
    label: "worker.receive.last_success", kind: .gauge, help: "When a receive last succeeded, in seconds since 1970.")
  static let queueMessages = Self(
    label: "worker.queue.messages", kind: .gauge,
    help: "About how many messages a queue holds, by state: visible, in_flight or delayed.")
  static let deadLetters = Self(
    label: "worker.dead_letters", kind: .gauge, help: "About how many messages a queue's dead-letter queue holds.")
  package static let droppedTelemetry = Self(
    label: "worker.telemetry.dropped", kind: .counter,
    help: "Spans that were not exported: the queue was full, or the collector could not take them.")
}
