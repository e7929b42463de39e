import Foundation
import WorkerKit

extension Console {
  func overviewRecord() -> OverviewRecord {
    let snapshots = history.snapshot()
    let (findings, time) = diagnosis.latest(work)
    let breakers = Dictionary(snapshots.flatMap(\.status.closedPlugins)) { first, _ in first }
      .sorted { $0.key < $1.key }
    return OverviewRecord(
      queues: snapshots.map { queue in
        .init(
          name: queue.status.queue, activity: queue.status.activity.words, inFlight: queue.status.inFlight,
          now: queue.now, hour: queue.hour)
      },
      openCircuitBreakers: breakers.map { .init(plugin: $0.key, problem: $0.value) },
      findings: findings.map {
        .init(
          check: $0.check, name: $0.name, status: $0.finding.status.rawValue, message: $0.finding.message,
          remedy: $0.finding.remedy)
      }, diagnosedAt: time, routesFile: source.routesPath, routesReadAt: source.routesReadAt)
  }

  func routeRecords() -> [RoutesRecord.Route] {
    let counts = flow.routes
    return source.routes.routes.map { route in
      let counted = counts[route.eventType]
      let durations = counted.map { flow.durations(of: $0) }
      let outcomes = FlowEvent.Outcome.allCases.map { ($0.rawValue, counted?.outcomes[$0] ?? 0) }
      return RoutesRecord.Route(
        eventType: route.eventType, handler: route.handlerName, timeoutSeconds: route.timeout.inSeconds,
        limit: route.limit,
        outcomes: Dictionary(uniqueKeysWithValues: outcomes), medianSeconds: durations?.percentile(0.5)?.inSeconds,
        p95Seconds: durations?.percentile(0.95)?.inSeconds, p99Seconds: durations?.percentile(0.99)?.inSeconds)
    }
  }
}
