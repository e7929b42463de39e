import Foundation
import Logging
import Tracing

/// Takes one message through its route, and says what becomes of it. Touches no queue.
package final class Processor: Sendable {
  private let queue: String
  private let table: RoutingTable
  private let middleware: [any EventMiddleware]
  private let clock: WorkerClock
  private let deadlines: TimerQueue
  private let blockingThreads: BlockingThreads
  private let random: @Sendable () -> Double
  private let redriveLimit: @Sendable () -> Int?
  private let attempts = FailedAttempts()
  private let logger: Logger

  /// - Parameters:
  ///   - random: From 0 up to 1; where in its range a jittered backoff falls.
  ///   - redriveLimit: How often the queue lets a message be received before it dead-letters it; nil where it never does, or
  ///     that is not known.
  init(
    queue: String, table: RoutingTable, middleware: [any EventMiddleware], clock: WorkerClock, deadlines: TimerQueue,
    blockingThreads: BlockingThreads = .standard, random: @escaping @Sendable () -> Double,
    redriveLimit: @escaping @Sendable () -> Int? = { nil }, logger: Logger
  ) {
    self.queue = queue
    self.table = table
    self.middleware = middleware
    self.clock = clock
    self.deadlines = deadlines
    self.blockingThreads = blockingThreads
    self.random = random
    self.redriveLimit = redriveLimit
    self.logger = logger
  }

  /// Finds the route that a message's body asks for.
  @inline(never)
  func route(_ delivery: Delivery) {
    delivery.routing = routing(of: delivery.message)
  }

  package func routing(of message: borrowing ReceivedMessage) -> Routing {
    Routing(of: message, in: table)
  }

  /// Takes a routed delivery through the middleware to its handler.
  func process(_ delivery: Delivery) async -> Settlement {
    let routing = delivery.routing
    do {
      try await pass(delivery, routing, makeContext(delivery, routing), to: 0)
      attempts.forget(delivery.message.id)
      return .delete
    } catch {
      return Settlement(recorded(error, of: delivery.message))
    }
  }

  /// The same for a message that no consumer has received.
  package func process(_ message: ReceivedMessage) async -> Settlement {
    let delivery = Delivery(message: message, receivedAt: clock.now, visibilityTimeout: .zero)
    route(delivery)
    return await process(delivery)
  }

  /// A failure with those of the message before it.
  @inline(never)
  private func recorded(_ error: any Error, of message: ReceivedMessage) -> any Error {
    guard var failure = error as? HandlingFailure else { return error }
    failure.attempts = attempts.add(FailedAttempt(failure, at: Date()), of: message.id)
    return failure
  }

  /// Takes a delivery through the middleware from that one on, and then to its handler.
  ///
  /// - Parameter routing: The delivery's. Middleware may call what comes after it in a task of its own, and that may end after the
  ///   delivery has let go of it.
  /// - Throws: a ``HandlingFailure``; `CancellationError` when the worker stops. Each middleware sees what its error leads to.
  private func pass(
    _ delivery: Delivery, _ routing: Routing, _ context: HandlerContext, to index: Int
  ) async throws {
    do {
      guard index < middleware.count else { return try await callHandler(routing, context) }
      try await middleware[index].handle(context) { context in
        try await self.pass(delivery, routing, context, to: index + 1)
      }
    } catch {
      throw classify(error, of: delivery, routing)
    }
  }

  private func callHandler(_ routing: Routing, _ context: HandlerContext) async throws {
    let (route, body) = (try routing.get(), routing.body)
    let call = HandlerCall(context: context, limit: route.timeout, clock: clock, deadlines: deadlines)
    try await call.run(on: body, route.handler.handle)
  }

  /// Turns any error into a ``HandlingFailure`` under the route's policy; `CancellationError` when the worker stops.
  @inline(never)
  private func classify(_ error: any Error, of delivery: Delivery, _ routing: Routing) -> any Error {
    if let failure = error as? HandlingFailure { return failure }
    if Task.isCancelled { return CancellationError() }
    let route = routing.route
    let attempt = delivery.attempt
    let event = error as? EventError
    let unrouted = error as? UnroutedEvent
    let classified = error as? any ClassifiedError
    let kind = classified?.kind ?? .unexpected
    let retryAfter = classified?.retryAfter.map { min(max($0, .zero), Backoff.retryAfterLimit) }
    let (plan, backoffOfLastAttempt) = plan(
      kind, isUnrouted: unrouted != nil, attempt: attempt, retryAfter: retryAfter, route: route
    ).applying(redriveLimit(), toAttempt: attempt)
    return HandlingFailure(
      kind: kind,
      message: TerminalText.line(
        event?.message ?? unrouted?.message ?? String(describing: error), limit: 500),
      field: event?.field ?? unrouted.map { _ in "eventType" },
      received: event?.received ?? unrouted?.received,
      handler: route?.handlerName,
      route: route?.eventType,
      traceID: MessageContext.traceID(of: delivery.message),
      errorType: String(reflecting: type(of: error)),
      location: classified?.location,
      causes: causes(of: error),
      retryAfter: retryAfter,
      refusal: classified?.refusal,
      settlement: plan,
      backoffOfLastAttempt: backoffOfLastAttempt,
      traceContext: ServiceContext.current)
  }

  private func causes(of error: any Error) -> [String] {
    var causes: [String] = []
    var next = (error as? any ClassifiedError)?.cause
    while let cause = next, causes.count < 5 {
      causes.append(TerminalText.line(String(describing: cause), limit: 200))
      next = (cause as? any ClassifiedError)?.cause
    }
    return causes
  }

  private func plan(
    _ kind: ErrorKind, isUnrouted: Bool, attempt: Int, retryAfter: Duration?, route: Route?
  ) -> HandlingFailure.Plan {
    if isUnrouted {
      return table.unrouted == .deadLetter ? .deadLetter : .leave
    }
    switch (route?.errorPolicy ?? .standard).disposition(of: kind) {
    case .permanent: return .deadLetter
    case .transient:
      let backoff = route?.backoff ?? .standard
      return .retry(after: max(backoff.delay(afterAttempt: attempt, random: random()), retryAfter ?? .zero))
    }
  }

  // Not inlined into what waits: what it needs would take room in every message in flight.
  @inline(never)
  private func makeContext(_ delivery: Delivery, _ routing: Routing) -> HandlerContext {
    HandlerContext(
      eventType: routing.label, queue: queue, messageID: delivery.message.id,
      originalMessageID: routing.identity.originalMessageID, idempotencyKey: routing.identity.idempotencyKey,
      receiveCount: delivery.attempt, sentAt: delivery.message.sentAt, attributes: delivery.message.attributes,
      traceHeader: delivery.message.traceHeader, consumerLogger: logger, blockingThreads: blockingThreads,
      start: clock.now)
  }
}
