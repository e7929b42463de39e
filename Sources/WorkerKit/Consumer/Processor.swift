import Logging
import Tracing

/// Takes one message through its route, and says what becomes of it. Touches no queue.
package final class Processor: Sendable {
  private let queue: String
  private let table: RoutingTable
  private let middleware: [any Middleware]
  private let clock: WorkerClock
  private let deadlines: Deadlines
  private let random: @Sendable () -> Double
  private let logger: Logger

  /// - Parameter random: From 0 up to 1; where in its range a jittered backoff falls.
  init(
    queue: String, table: RoutingTable, middleware: [any Middleware], clock: WorkerClock, deadlines: Deadlines,
    random: @escaping @Sendable () -> Double, logger: Logger
  ) {
    self.queue = queue
    self.table = table
    self.middleware = middleware
    self.clock = clock
    self.deadlines = deadlines
    self.random = random
    self.logger = logger
  }

  /// - Parameter earlierTries: How often it was handled before in this receive; each counts like a receive.
  package func process(
    _ message: ReceivedMessage, _ match: RouteMatch, earlierTries: Int = 0
  ) async -> Settlement {
    let turn = Turn(message: message, match: match, earlierTries: earlierTries)
    do {
      try await handle(turn, makeContext(turn), passing: 0)
      return .delete
    } catch {
      guard let failure = error as? Failure else { return .release }
      return Settlement(failure)
    }
  }

  package func process(_ message: ReceivedMessage) async -> Settlement {
    await process(message, match(message))
  }

  /// What the middleware handle, each and then the handler: one object, for all of them hold it.
  private final class Turn: Sendable {
    let message: ReceivedMessage
    let match: RouteMatch

    init(message: consuming ReceivedMessage, match: RouteMatch, earlierTries: Int) {
      message.receiveCount += earlierTries
      self.message = message
      self.match = match
    }
  }

  /// Takes a turn through the middleware from that one on, and to its handler.
  ///
  /// - Throws: a ``Failure``; `CancellationError` when the worker stops. Each sees what its error leads to.
  private func handle(_ turn: Turn, _ context: HandlerContext, passing index: Int) async throws {
    do {
      guard index < middleware.count else { return try await callHandler(turn, context) }
      try await middleware[index].handle(context) { context in
        try await self.handle(turn, context, passing: index + 1)
      }
    } catch {
      throw classify(error, of: turn.message, route: turn.match.route)
    }
  }

  private func callHandler(_ turn: Turn, _ context: HandlerContext) async throws {
    let route = try turn.match.get()
    try await TimeoutMiddleware(limit: route.timeout, clock: clock, deadlines: deadlines).handle(context) { context in
      try await route.handler.handle(turn.match.body, context)
    }
  }

  /// Finds the route that a message's body asks for.
  package func match(_ message: ReceivedMessage) -> RouteMatch {
    let body = EventBody(message.body)
    return RouteMatch(body) { try route(for: body) }
  }

  private func route(for body: EventBody) throws -> Route {
    let eventType = try Envelope(body: body).eventType
    guard let route = table.route(for: eventType) else {
      let hint = nearestName(to: eventType, among: table.eventTypes).map { "; did the producer mean \($0)?" } ?? ""
      throw UnroutedEvent(
        message: "eventType: expected one of \(table.eventTypes.joined(separator: ", ")), but another came\(hint)",
        received: EventDecoder.shortened(eventType))
    }
    return route
  }

  /// Turns any error into a ``Failure`` under the route's policy; `CancellationError` when the worker stops.
  private func classify(_ error: any Error, of message: ReceivedMessage, route: Route?) -> any Error {
    if let failure = error as? Failure { return failure }
    if Task.isCancelled { return CancellationError() }
    let event = error as? EventError
    let unrouted = error as? UnroutedEvent
    let kind = (error as? any ClassifiedError)?.kind ?? .unexpected
    return Failure(
      kind: kind,
      message: EventDecoder.oneLine(
        event?.message ?? unrouted?.message ?? String(describing: error), to: 500),
      field: event?.field ?? unrouted.map { _ in "eventType" },
      received: event?.received ?? unrouted?.received,
      handler: route?.handlerName,
      route: route?.eventType,
      traceID: MessageContext.traceID(of: message),
      errorType: String(reflecting: type(of: error)),
      location: (error as? any ClassifiedError)?.location,
      causes: causes(of: error),
      settlement: plan(kind, isUnrouted: unrouted != nil, receiveCount: message.receiveCount, route: route),
      traceContext: ServiceContext.current)
  }

  private func causes(of error: any Error) -> [String] {
    var causes: [String] = []
    var next = (error as? any ClassifiedError)?.cause
    while let cause = next, causes.count < 5 {
      causes.append(EventDecoder.oneLine(String(describing: cause), to: 200))
      next = (cause as? any ClassifiedError)?.cause
    }
    return causes
  }

  private func plan(_ kind: ErrorKind, isUnrouted: Bool, receiveCount: Int, route: Route?) -> Settlement.Plan {
    if isUnrouted {
      return table.unrouted == .deadLetter ? .deadLetter : .leave
    }
    switch (route?.errorPolicy ?? .standard).disposition(of: kind) {
    case .permanent: return .deadLetter
    case .transient:
      let backoff = route?.backoff ?? .standard
      return .retry(after: backoff.delay(afterAttempt: receiveCount, random: random()))
    }
  }

  private func makeContext(_ turn: Turn) -> HandlerContext {
    let message = turn.message
    let eventType = turn.match.label
    var logger = logger
    logger.handler = MessageLogHandler(
      base: logger.handler, messageID: message.id, route: eventType, attempt: message.receiveCount)
    return HandlerContext(
      message, identity: MessageIdentity(message), eventType: eventType, queue: queue, logger: logger,
      start: clock.now)
  }
}

/// The route that a message takes, or why it takes none.
package struct RouteMatch: Sendable {
  static let unrouted = "unrouted"

  package let body: EventBody
  private let result: Result<Route, any Error>

  init(_ body: EventBody, _ find: () throws -> Route) {
    self.body = body
    result = Result { try find() }
  }

  var route: Route? {
    if case .success(let route) = result { route } else { nil }
  }
  /// For logs and metrics, and so never what the message says of itself.
  var label: String { route?.eventType ?? Self.unrouted }

  package func get() throws -> Route { try result.get() }
}

/// An event that no route names: what follows is the table's decision, not a policy's.
private struct UnroutedEvent: ClassifiedError {
  let kind = ErrorKind.validation
  let message: String
  let received: String
}
