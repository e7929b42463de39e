package import WorkerKit

/// Whether a worker does its work, as `/health/ready` says it.
package struct Readiness: Encodable, Sendable {
  package struct Queue: Encodable, Sendable {
    var queue: String
    var activity: String
    var forSeconds: Double
    var inFlight: Int
    /// Of them, those that take up a slot.
    var busy: Int
    var slots: Int
    var reason: String?
  }

  private enum CodingKeys: CodingKey {
    case status, queues, plugins, reasons
  }

  package let queues: [Queue]
  /// The plugins whose circuit breakers are open, with the reasons. They serve all queues.
  package let plugins: [String: String]
  /// Why the worker is not ready, one for each of ``plugins`` last; empty if it is ready.
  package let reasons: [String]

  package var isReady: Bool { reasons.isEmpty }

  /// - Parameter activity: What the process does before it consumes; nil when that is over.
  package init(of consumers: [ConsumerStatus], starting activity: String? = nil) {
    queues = consumers.map { status in
      Queue(
        queue: status.queue, activity: status.activity.name,
        forSeconds: (status.duration.inSeconds * 10).rounded() / 10,
        inFlight: status.inFlight, busy: status.busy, slots: status.slots, reason: status.reason)
    }
    let own = queues.compactMap { queue in queue.reason.map { "\(queue.queue): \($0)" } }
    plugins = Dictionary(consumers.flatMap { $0.closedPlugins.map { ($0.key, $0.value) } }) { first, _ in first }
    reasons =
      (activity.map { ["starting: \($0)"] } ?? (consumers.isEmpty ? ["no queue is read"] : own))
      + plugins.sorted { $0.key < $1.key }.map { "the plugin \($0.key) is down: \($0.value)" }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(isReady ? "ready" : "not ready", forKey: .status)
    try container.encode(queues, forKey: .queues)
    try container.encode(plugins, forKey: .plugins)
    try container.encode(reasons, forKey: .reasons)
  }
}

/// Whether the worker's own work goes on, as `/health/live` says it.
package struct Liveness: Encodable, Sendable {
  package let status: String
  /// Those that hang.
  package let reasons: [String]

  package var isLive: Bool { reasons.isEmpty }

  /// - Parameter hangs: What does not answer.
  package init(hangs: [String]) {
    reasons = hangs
    status = hangs.isEmpty ? "live" : "not live"
  }
}

extension ConsumerStatus {
  /// What keeps it from receiving; plugins that are down apart, for they are several queues' in common.
  fileprivate var reason: String? {
    switch activity {
    case .draining: "it is stopping, and finishes the messages received"
    case .stopped: "it has stopped"
    case .failing(let cause): "receiving fails: \(cause)"
    case .starting: "it has not received yet: it reads its queue's attributes"
    case .receiving, .waitingForSlots, .waitingForSettlements, .waitingForPlugins:
      hasReceived || activity == .waitingForPlugins ? nil : "it has not received yet: its first receive waits"
    }
  }
}

extension ConsumerStatus.Activity {
  fileprivate var name: String {
    switch self {
    case .starting: "starting"
    case .receiving: "receiving"
    case .waitingForSlots: "waitingForSlots"
    case .waitingForSettlements: "waitingForSettlements"
    case .waitingForPlugins: "waitingForPlugins"
    case .failing: "failing"
    case .draining: "draining"
    case .stopped: "stopped"
    }
  }
}
