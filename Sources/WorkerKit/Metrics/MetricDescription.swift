/// What a metric says, declared once: its help in an exposition, and how its distribution is counted.
///
/// The kind (counter, gauge, timer) is that of the instrument that records it. Timers are exposed in seconds.
public struct MetricDescription: Sendable, Hashable {
  /// As in swift-metrics and OpenTelemetry: `messaging.process.duration`.
  public var label: String
  /// One sentence, for the people who read dashboards.
  public var help: String
  /// The upper bounds of a distribution's buckets, ascending; seconds for a timer.
  public var buckets: [Double]

  public init(label: String, help: String, buckets: [Double] = Self.durationBuckets) {
    self.label = label
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
    queueMessages, deadLetters,
  ]

  static let consumedMessages = Self(
    label: "messaging.client.consumed.messages", help: "Messages received, counted again at each delivery.")
  static let sentMessages = Self(
    label: "messaging.client.sent.messages", help: "Messages sent: to a dead-letter queue, or back from one.")
  static let operationDuration = Self(
    label: "messaging.client.operation.duration",
    help: "How long a call to SQS took, in seconds, its retries included; long polls wait in it.")
  static let processDuration = Self(
    label: "messaging.process.duration", help: "How long a handler took, in seconds, by what it failed with.")
  static let settledMessages = Self(
    label: "worker.messages.settled",
    help: "What became of messages: handled, retried, dead-lettered, released, left or lost.")
  static let messageAge = Self(
    label: "worker.message.age",
    help: "How old messages were when they were received, in seconds since they were sent.",
    buckets: ageBuckets)
  static let messageLatency = Self(
    label: "worker.message.latency", help: "From a message's sending to the end of its handling, in seconds.",
    buckets: ageBuckets)
  static let inFlight = Self(label: "worker.messages.in_flight", help: "Messages in hand, those parked included.")
  static let freeSlots = Self(label: "worker.slots.free", help: "How many messages more could be handled at once.")
  static let parked = Self(
    label: "worker.messages.parked", help: "Messages in hand that wait for their plugin, or for one before them.")
  static let extendedLeases = Self(label: "worker.leases.extended", help: "Visibility timeouts that were extended.")
  static let lostLeases = Self(
    label: "worker.leases.lost", help: "Messages whose visibility timeout ended while they were in hand.")
  static let stuckHandlers = Self(
    label: "worker.handlers.stuck", help: "Handlers that went on though they had been told to stop.")
  static let openIntake = Self(
    label: "worker.intake.open", help: "Whether a plugin's events are taken in: 1, or 0 while it is down.")
  static let receiveFailures = Self(
    label: "worker.receive.failures", help: "Receives that failed, after the client's own retries.")
  static let lastReceive = Self(
    label: "worker.receive.last_success", help: "When a receive last succeeded, in seconds since 1970.")
  static let queueMessages = Self(
    label: "worker.queue.messages",
    help: "About how many messages a queue holds, by state: visible, in_flight or delayed.")
  static let deadLetters = Self(
    label: "worker.dead_letters", help: "About how many messages a queue's dead-letter queue holds.")
}
