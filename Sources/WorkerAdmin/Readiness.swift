package import WorkerKit

/// Whether a worker does its work, as `/health/ready` says it.
package struct Readiness: Encodable, Sendable {
  package struct Queue: Encodable, Sendable {
    var queue: String
    var activity: String
    var forSeconds: Double
    var inFlight: Int
    var slots: Int
    var reason: String?
  }

  private enum CodingKeys: CodingKey {
    case status, queues, reasons
  }

  package let queues: [Queue]
  /// Why it does not; empty where it does.
  package let reasons: [String]

  package var isReady: Bool { reasons.isEmpty }

  package init(of consumers: [ConsumerStatus]) {
    queues = consumers.map { status in
      Queue(
        queue: status.queue, activity: status.activity.name,
        forSeconds: (status.duration.inSeconds * 10).rounded() / 10,
        inFlight: status.inFlight, slots: status.slots, reason: status.reason)
    }
    let own = queues.compactMap { queue in queue.reason.map { "\(queue.queue): \($0)" } }
    // A plugin is one for all queues.
    let plugins = Dictionary(consumers.flatMap { $0.closedPlugins.map { ($0.key, $0.value) } }) { first, _ in first }
    reasons =
      (consumers.isEmpty ? ["no queue is read"] : own)
      + plugins.sorted { $0.key < $1.key }.map { "the plugin \($0.key) is down: \($0.value)" }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(isReady ? "ready" : "not ready", forKey: .status)
    try container.encode(queues, forKey: .queues)
    try container.encode(reasons, forKey: .reasons)
  }
}

/// Whether every loop turns, as `/health/live` says it.
package struct Liveness: Encodable, Sendable {
  package let status: String
  /// Those that hang.
  package let reasons: [String]

  package var isLive: Bool { reasons.isEmpty }

  package init(of consumers: [ConsumerStatus]) {
    reasons = consumers.compactMap { status in status.hangs.map { "\(status.queue): \($0)" } }
    status = reasons.isEmpty ? "live" : "not live"
  }
}

extension ConsumerStatus {
  /// What keeps it from receiving; plugins that are down apart, for they are several queues' in common.
  fileprivate var reason: String? {
    switch activity {
    case .draining: "it stops, and finishes what is in hand"
    case .stopped: "it has stopped"
    case .failing(let cause): "receiving fails: \(cause)"
    case .starting: "it has not received yet: it looks at its queue"
    case .receiving, .waitingForSlots, .waitingForPlugins:
      hangs
        ?? (hasReceived || activity == .waitingForPlugins ? nil : "it has not received yet: its first receive waits")
    }
  }

  fileprivate var hangs: String? {
    isLive ? nil : "its loop hangs: \(activity.name) for \(Int(duration.inSeconds)) s"
  }
}

extension ConsumerStatus.Activity {
  fileprivate var name: String {
    switch self {
    case .starting: "starting"
    case .receiving: "receiving"
    case .waitingForSlots: "waitingForSlots"
    case .waitingForPlugins: "waitingForPlugins"
    case .failing: "failing"
    case .draining: "draining"
    case .stopped: "stopped"
    }
  }
}
