/// The description of a metric: its kind, its help text and the buckets of its distribution.
public struct MetricDescription: Sendable, Hashable {
  /// The instrument of swift-metrics that records the metric.
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

  /// The name in swift-metrics and OpenTelemetry: `messaging.process.duration`.
  public var label: String
  /// The instrument of swift-metrics that records the metric.
  public var kind: Kind
  /// One sentence for users of dashboards.
  public var help: String
  /// The upper bounds of the distribution's buckets, ascending; in seconds for a timer.
  public var buckets: [Double]

  /// Creates a description.
  public init(label: String, kind: Kind, help: String, buckets: [Double] = Self.durationBuckets) {
    self.label = label
    self.kind = kind
    self.help = help
    self.buckets = buckets
  }

  /// The buckets that OpenTelemetry's messaging conventions recommend for durations, in seconds.
  public static let durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

  /// Buckets for ages, in seconds: from 10 ms to four days, SQS's default retention.
  public static let ageBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400, 345_600]
}

extension MetricDescription {
  /// Those of OpenTelemetry's database conventions, for plugins that record them; in an exposition once they are.
  public static let database: [MetricDescription] = [
    Self(
      label: "db.client.operation.duration", kind: .timer,
      help: "How long a transaction took, in seconds, its wait for its turn included.", buckets: databaseBuckets),
    Self(
      label: "db.client.connection.count", kind: .gauge, help: "Connections of a pool, by state: used or idle."),
    Self(label: "db.client.connection.max", kind: .gauge, help: "The most connections that a pool opens."),
    Self(
      label: "db.client.connection.pending_requests", kind: .gauge, help: "Calls that wait for a connection of a pool."),
    Self(
      label: "db.client.connection.timeouts", kind: .counter, help: "Calls that got no connection of a pool in time."),
    Self(
      label: "db.client.connection.create_time", kind: .timer, help: "How long it took to connect, in seconds.",
      buckets: databaseBuckets),
    Self(
      label: "db.client.connection.wait_time", kind: .timer,
      help: "How long calls waited for a connection of a pool, in seconds.", buckets: databaseBuckets),
    Self(
      label: "db.client.connection.use_time", kind: .timer,
      help: "How long calls kept a connection of a pool, in seconds.", buckets: databaseBuckets),
  ]

  /// What the conventions advise.
  private static let databaseBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

  /// The metrics of the framework. Label values are names in `routes.yaml`, names of plugins or SQS error codes, and
  /// never content of a message.
  public static let framework: [MetricDescription] = [
    consumedMessages, sentMessages, operationDuration, processDuration, settledMessages, messageAge, messageLatency,
    inFlight, freeSlots, ahead, parked, limitWaiting, settling, extendedLeases, lostLeases, stuckHandlers,
    openCircuitBreaker, receiveFailures, lastReceive,
    queueMessages, deadLetters, droppedTelemetry,
  ]

  static let consumedMessages = Self(
    label: "messaging.client.consumed.messages", kind: .counter,
    help: "Messages received. Each delivery counts.")
  package static let sentMessages = Self(
    label: "messaging.client.sent.messages", kind: .counter,
    help: "Messages sent: dead letters and redriven messages.")
  package static let operationDuration = Self(
    label: "messaging.client.operation.duration", kind: .timer,
    help: "Duration of a call to SQS in seconds, with its retries and the wait of a long poll.")
  static let processDuration = Self(
    label: "messaging.process.duration", kind: .timer,
    help: "Duration of a handler in seconds, by error kind.")
  static let settledMessages = Self(
    label: "worker.messages.settled", kind: .counter,
    help: "Messages by outcome: handled, retried, dead-lettered, released, postponed, left, lost or unsettled.")
  static let messageAge = Self(
    label: "worker.message.age", kind: .timer,
    help: "Age of messages when they are received, in seconds since they were sent.",
    buckets: ageBuckets)
  static let messageLatency = Self(
    label: "worker.message.latency", kind: .timer,
    help: "Time from sending to the end of handling, in seconds.",
    buckets: ageBuckets)
  static let inFlight = Self(
    label: "worker.messages.in_flight", kind: .gauge,
    help: "Messages in flight, until their settlement has been answered.")
  static let freeSlots = Self(
    label: "worker.slots.free", kind: .gauge, help: "How many more messages could be handled at once.")
  static let ahead = Self(
    label: "worker.messages.ahead", kind: .gauge, help: "Messages in flight that were received ahead of a free slot.")
  static let settling = Self(
    label: "worker.messages.settling", kind: .gauge, help: "Messages in flight whose handling is over.")
  static let parked = Self(
    label: "worker.messages.parked", kind: .gauge,
    help: "Messages received that wait for their plugin, for a limit or for their FIFO predecessor.")
  static let limitWaiting = Self(
    label: "worker.limit.waiting", kind: .gauge, help: "Messages that wait for a limit of routes.yaml.")
  static let extendedLeases = Self(
    label: "worker.leases.extended", kind: .counter, help: "Visibility timeouts that were extended.")
  static let lostLeases = Self(
    label: "worker.leases.lost", kind: .counter,
    help: "Messages whose visibility timeout ended before they were settled.")
  static let stuckHandlers = Self(
    label: "worker.handlers.stuck", kind: .counter, help: "Handlers that did not return after their cancellation.")
  static let openCircuitBreaker = Self(
    label: "worker.circuit_breaker.open", kind: .gauge,
    help: "1 while a plugin's circuit breaker is open and its events are not received; otherwise 0."
  )
  static let receiveFailures = Self(
    label: "worker.receive.failures", kind: .counter, help: "Receives that failed, after the client's retries.")
  static let lastReceive = Self(
    label: "worker.receive.last_success", kind: .gauge, help: "When a receive last succeeded, in seconds since 1970.")
  static let queueMessages = Self(
    label: "worker.queue.messages", kind: .gauge,
    help: "Approximate number of messages in a queue, by state: visible, in_flight or delayed.")
  static let deadLetters = Self(
    label: "worker.dead_letters", kind: .gauge, help: "Approximate number of messages in the dead-letter queue.")
  package static let droppedTelemetry = Self(
    label: "worker.telemetry.dropped", kind: .counter,
    help: "Spans that were not exported, because the queue was full or the collector did not accept them.")
}
