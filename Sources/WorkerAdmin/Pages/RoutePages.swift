import Foundation
import Hummingbird
import WorkerKit

extension Console {
  var routePages: [Endpoint] {
    [
      Endpoint(.get, "/routes") { [self] request in
        let queues = source.routes.queues.map { queue in
          QueueLimits(
            name: Format.line(queue.name), concurrency: Format.number(queue.concurrency),
            maxMessages: queue.maxMessages,
            waitTime: Format.duration(queue.waitTime), visibilityTimeout: Format.duration(queue.visibilityTimeout),
            maxReceiveCount: queue.maxReceiveCount)
        }
        return page(
          "routes",
          [
            "routes": routeViews(), "queues": queues, "unrouted": source.routes.unrouted.words,
            "routesPath": Format.line(source.routesPath), "routesReadAt": Format.time(source.routesReadAt),
          ], for: request, at: "/routes", refresh: 10, live: "/live/routes")
      },
      Endpoint(.get, "/live/routes") { [self] request in
        try stream(request, every: .seconds(2)) { [self] in
          [("routes", renderer.fragment("routes-rows", ["routes": routeViews()]))]
        }
      },
    ]
  }

  private struct QueueLimits {
    var name: String
    var concurrency: String
    var maxMessages: Int
    var waitTime: String
    var visibilityTimeout: String
    var maxReceiveCount: Int
  }

  private struct RouteView {
    var eventType: String
    var href: String
    var handler: String
    var timeout: String
    var retry: String
    var permanent: String
    var transient: String
    var otherwise: String
    var limit: String?
    var handled: String
    var duplicates: String
    var retried: String
    var deadLettered: String
    var median: String
    var p95: String
    var p99: String
  }

  private func routeViews() -> [RouteView] {
    let counts = flow.routes
    return source.routes.routes.map { route in
      let counted = counts[route.eventType]
      let durations = counted.map { flow.durations(of: $0) } ?? DurationHistogram()
      func kinds(_ disposition: Disposition) -> String {
        route.errorPolicy.dispositions.filter { $0.value == disposition }.map(\.key.rawValue).sorted().joined(
          separator: ", ")
      }
      func percentile(_ share: Double) -> String { durations.percentile(share).map(Format.duration) ?? "–" }
      func count(_ outcome: FlowEvent.Outcome) -> String { Format.number(counted?.outcomes[outcome] ?? 0) }
      return RouteView(
        eventType: Format.line(route.eventType), href: "/flow?route=\(Self.encoded(route.eventType))",
        handler: Format.line(route.handlerName),
        timeout: Format.duration(route.timeout),
        retry:
          "\(Format.duration(route.backoff.base)) × \(Format.fixed(route.backoff.factor, 1)), at most \(Format.duration(route.backoff.max))",
        permanent: kinds(.permanent), transient: kinds(.transient), otherwise: route.errorPolicy.otherwise.rawValue,
        limit: route.limit.flatMap { source.routes.limits[$0] }.map { Format.line($0.words) },
        handled: count(.handled), duplicates: count(.duplicate), retried: count(.retry),
        deadLettered: count(.deadLetter), median: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99))
    }
  }
}

extension Unrouted {
  fileprivate var words: String {
    switch self {
    case .deadLetter: "goes to the dead-letter queue"
    case .leave: "stays on the queue"
    }
  }
}
