import Foundation
import WorkerKit

struct SessionRecord: Encodable {
  var user: String
  var role: String
  /// To be sent as X-CSRF-Token with what changes something; empty for scripts that send a password.
  var csrfToken: String
}

struct OverviewRecord: Encodable {
  struct Queue: Encodable {
    var name: String
    var activity: String
    var inFlight: Int
    var now: QueueSample
    var hour: [QueueSample]
  }
  struct Finding: Encodable {
    var check: String
    var name: String?
    var status: String
    var message: String
    var remedy: [String]
  }
  struct Breaker: Encodable {
    var plugin: String
    var problem: String
  }

  var queues: [Queue]
  var openCircuitBreakers: [Breaker]
  var findings: [Finding]
  var diagnosedAt: Date?
  var routesFile: String
  var routesReadAt: Date
}

struct RoutesRecord: Encodable {
  struct Route: Encodable {
    var eventType: String
    var handler: String
    var timeoutSeconds: Double
    /// The name of the limit that it keeps to.
    var limit: String?
    var outcomes: [String: Int]
    /// Of the last five to ten minutes; nil where nothing was handled.
    var medianSeconds: Double?
    var p95Seconds: Double?
    var p99Seconds: Double?
  }

  var routes: [Route]
}

struct FlowRecord: Encodable {
  struct Event: Encodable {
    var number: Int
    var time: Date
    var queue: String
    var route: String
    var messageId: String
    var outcome: String
    var kind: String?
    var problem: String?
    var durationSeconds: Double
    var attempt: Int
    var traceId: String?

    init(_ event: FlowEvent) {
      number = event.number
      time = event.time
      queue = event.queue
      route = event.route
      messageId = event.messageID
      outcome = event.outcome.rawValue
      kind = event.kind
      problem = event.problem
      durationSeconds = event.duration.inSeconds
      attempt = event.attempt
      traceId = event.traceID
    }
  }

  var events: [Event]
}

struct DeadLettersRecord: Encodable {
  struct Group: Encodable {
    var key: String
    var route: String
    var handler: String?
    var kind: String?
    var message: String
    var count: Int
    var first: Date?
    var last: Date?
  }
  struct DeadLetter: Encodable {
    var id: String
    var route: String
    var kind: String?
    var message: String
    var group: String
    var sent: Date?
    var receiveCount: Int
    var bytes: Int
  }

  var queue: String
  var deadLetterQueue: String?
  /// When the list was read; nil before the first refresh.
  var readAt: Date?
  /// How many receives that cost.
  var received: Int
  var isReading: Bool
  /// Why there was nothing to see, or not all.
  var remarks: [String]
  var groups: [Group]
  var found: Int
  var deadLetters: [DeadLetter]

  init(_ inventory: DeadLetterInventory, _ found: [DeadLetterSummary], limit: Int) {
    let state = inventory.current
    queue = inventory.queue.name
    deadLetterQueue = state.snapshot?.deadLetterQueue
    readAt = state.snapshot?.time
    received = state.snapshot?.received ?? 0
    isReading = state.progress != nil
    remarks = [state.problem, state.danger].compactMap(\.self) + (state.snapshot?.remarks ?? [])
    groups = (state.snapshot?.groups ?? []).prefix(1000).map {
      Group(
        key: $0.key, route: $0.route, handler: $0.handler, kind: $0.kind, message: $0.pattern, count: $0.count,
        first: $0.first, last: $0.last)
    }
    self.found = found.count
    deadLetters = found.prefix(limit).map {
      DeadLetter(
        id: $0.id, route: $0.route, kind: $0.kind, message: $0.message, group: $0.groupKey, sent: $0.sent,
        receiveCount: $0.receiveCount, bytes: $0.bytes)
    }
  }
}

struct PlanRecord: Encodable {
  var id: String
  var action: String
  var queue: String
  var selection: String
  var ids: [String]
  /// How many will fail again, of those that could be examined, and why the first does.
  var failing: Int
  var reason: String?

  init(_ plan: Plan) {
    id = plan.id
    action = plan.action.rawValue
    queue = plan.queue
    selection = plan.selection
    ids = plan.ids
    failing = plan.failing
    reason = plan.reason
  }
}

struct JobsRecord: Encodable {
  var jobs: [JobRecord]
}

struct JobRecord: Encodable {
  struct Result: Encodable {
    var id: String
    var outcome: String
    var newId: String?
    var handling: String?
    var detail: String?
  }

  var id: String
  var action: String
  var queue: String
  var selection: String
  var user: String
  var start: Date
  var end: Date?
  var state: String
  var reason: String?
  var total: Int
  var gone: Int
  var left: Int
  var handled: Int
  var failedAgain: Int
  var results: [Result]?

  init(_ job: Job, withResults: Bool = false) {
    let state = job.state.value
    id = job.id
    action = job.plan.action.rawValue
    queue = job.plan.queue
    selection = job.plan.selection
    user = job.user
    start = job.start
    end = state.end
    self.state = state.phase.words
    if case .stopped(let why) = state.phase { reason = why }
    total = job.plan.ids.count
    gone = state.gone.count
    left = state.left.count
    handled = state.handled
    failedAgain = state.failed
    results =
      !withResults
      ? nil
      : state.results.map {
        Result(
          id: $0.id, outcome: $0.outcome, newId: $0.newID, handling: $0.handling?.rawValue,
          detail: $0.problem ?? $0.detail)
      }
  }
}

struct DiscardedRecord: Encodable {
  struct DeadLetter: Encodable {
    var id: String
    var time: Date
    var user: String
    var queue: String
    var route: String
    var kind: String?
    var message: String

    init(_ entry: DiscardedDeadLetters.Entry) {
      id = entry.id
      time = entry.time
      user = entry.user
      queue = entry.queue
      route = entry.route
      kind = entry.kind
      message = entry.message
    }
  }

  var count: Int
  var deadLetters: [DeadLetter]
}

struct RestoreRecord: Encodable {
  var restored: Int
  var problem: String?
}

struct AuditRecord: Encodable {
  var entries: [AuditLog.Entry]
}
