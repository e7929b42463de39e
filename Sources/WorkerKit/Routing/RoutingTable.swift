/// Which handler takes which event, and what follows when it fails. Pure: it holds no resource of its own.
public struct RoutingTable: Sendable {
  private let routes: [String: Route]
  /// What becomes of an event whose type no route names.
  public let unrouted: Unrouted

  public init(routes: [Route], unrouted: Unrouted = .deadLetter) {
    self.routes = Dictionary(routes.map { ($0.eventType, $0) }) { _, last in last }
    self.unrouted = unrouted
  }

  /// Those of all routes; nil where a route has none, and so always takes its events in.
  var gates: [IntakeGate]? {
    let gates = routes.values.map(\.gate)
    guard !gates.isEmpty, !gates.contains(where: { $0 == nil }) else { return nil }
    return gates.compactMap { $0 }
  }

  /// Those of the plugins that have one, each once.
  var allGates: [IntakeGate] {
    let gates = routes.values.compactMap(\.gate)
    return Dictionary(gates.map { ($0.pluginName, $0) }) { first, _ in first }.values.sorted {
      $0.pluginName < $1.pluginName
    }
  }

  public var eventTypes: [String] { routes.keys.sorted() }

  public func route(for eventType: String) -> Route? {
    routes[eventType]
  }
}

/// What becomes of an event whose type no route names. It is never deleted unseen.
public enum Unrouted: String, Sendable, CaseIterable {
  /// It goes to the dead-letter queue at once.
  case deadLetter
  /// It stays on the queue, for another worker or for the queue's redrive policy.
  case leave
}

/// One line of the routing table.
public final class Route: Sendable {
  public let eventType: String
  /// `<plugin>.<handler>`
  public let handlerName: String
  public let errorPolicy: ErrorPolicy
  public let backoff: Backoff
  /// How long the handler may take.
  public let timeout: Duration
  let handler: BoundHandler
  /// Of the handler's plugin, where that has one.
  let gate: IntakeGate?

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
    gate: IntakeGate? = nil
  ) {
    self.gate = gate
    self.eventType = eventType
    self.handlerName = handlerName
    self.handler = boundHandler
    self.errorPolicy = errorPolicy
    self.backoff = backoff
    self.timeout = timeout
  }
}
