/// Maps event types to handlers and to the consequences of their errors. It owns no resources.
public struct RoutingTable: Sendable {
  private let routes: [String: Route]
  /// What happens to an event whose type has no route.
  public let unrouted: Unrouted

  /// The plugins with a long-running task.
  package let services: [any PluginService]
  /// The plugins that have pages in the console.
  package let consoles: [any PluginConsole]

  /// Creates a routing table. If two routes have the same event type, the last one is used.
  public init(routes: [Route], unrouted: Unrouted = .deadLetter) {
    self.init(routes: routes, unrouted: unrouted, plugins: [])
  }

  init(routes: [Route], unrouted: Unrouted, plugins: [any WorkerPlugin]) {
    services = plugins.compactMap { $0 as? any PluginService }
    consoles = plugins.compactMap { $0 as? any PluginConsole }
    self.routes = Dictionary(routes.map { ($0.eventType, $0) }) { _, last in last }
    self.unrouted = unrouted
    let found = self.routes.values.compactMap(\.breaker)
    breakers = Dictionary(found.map { ($0.pluginName, $0) }) { first, _ in first }.values.sorted {
      $0.pluginName < $1.pluginName
    }
    let limited = self.routes.values.compactMap(\.limit)
    limits = Dictionary(limited.map { ($0.name, $0) }) { first, _ in first }.values.sorted { $0.name < $1.name }
    isOneBucket = limits.count == 1 && !limits[0].hasKey && limited.count == self.routes.count
    breakersOfAllRoutes = found.isEmpty || found.count < self.routes.count ? nil : breakers
  }

  /// The circuit breakers of all routes; nil if a route has none, because such a route always accepts events.
  let breakersOfAllRoutes: [CircuitBreaker]?

  /// The distinct circuit breakers of the routes.
  let breakers: [CircuitBreaker]

  /// The limits of its routes, each once.
  let limits: [RateLimit]

  /// Whether all events have one limit, so that none is held up by another's.
  let isOneBucket: Bool

  /// Those that a route names, sorted.
  public var eventTypes: [String] { routes.keys.sorted() }

  /// Returns the route of an event type; nil if there is none.
  public func route(for eventType: String) -> Route? {
    routes[eventType]
  }
}

/// What happens to an event whose type has no route. The worker never deletes such an event.
public enum Unrouted: String, Sendable, CaseIterable {
  /// The worker sends the event to the dead-letter queue at once.
  case deadLetter
  /// The event stays on the queue, for another worker or for the queue's redrive policy.
  case leave
}

/// An entry of the routing table.
public final class Route: Sendable {
  /// The `eventType` of the route's events.
  public let eventType: String
  /// The handler's name: `<plugin>.<handler>`.
  public let handlerName: String
  /// The consequences of errors.
  public let errorPolicy: ErrorPolicy
  /// The delay before a retry.
  public let backoff: Backoff
  /// The maximum duration of the handler.
  public let timeout: Duration
  let handler: BoundHandler
  /// The circuit breaker of the handler's plugin; nil if the route was created without a plugin.
  let breaker: CircuitBreaker?
  /// What its handler's starts keep to.
  let limit: RateLimit?

  /// Creates a route.
  ///
  /// - Parameters:
  ///   - eventType: The `eventType` of the route's events.
  ///   - handlerName: The handler's name in logs and dead letters: `<plugin>.<handler>`.
  ///   - handler: The handler. A ``BatchEventHandler`` receives its events in batches.
  ///   - errorPolicy: The consequences of errors.
  ///   - backoff: The delay before a retry.
  ///   - timeout: The maximum duration of the handler.
  public convenience init(
    eventType: String,
    handlerName: String,
    handler: some EventHandler,
    errorPolicy: ErrorPolicy = .standard,
    backoff: Backoff = .standard,
    timeout: Duration = .seconds(20)
  ) {
    self.init(
      eventType: eventType, handlerName: handlerName, boundHandler: BoundHandler(handler),
      errorPolicy: errorPolicy, backoff: backoff, timeout: timeout)
  }

  init(
    eventType: String,
    handlerName: String,
    boundHandler: BoundHandler,
    errorPolicy: ErrorPolicy,
    backoff: Backoff,
    timeout: Duration,
    breaker: CircuitBreaker? = nil,
    limit: RateLimit? = nil
  ) {
    self.breaker = breaker
    self.limit = limit
    self.eventType = eventType
    self.handlerName = handlerName
    self.handler = boundHandler
    self.errorPolicy = errorPolicy
    self.backoff = backoff
    self.timeout = timeout
  }
}
