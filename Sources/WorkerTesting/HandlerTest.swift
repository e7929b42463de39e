public import Logging
public import WorkerKit

/// Gives one event to one handler, as the worker would: the JSON is decoded and validated first.
///
///     try await deliver(#"{"eventType":"RAFFLE_ENTERED","raffleId":"r1","userId":"42"}"#, to: EnterHandler(raffles))
///
/// - Parameters:
///   - json: The body of the message.
///   - receiveCount: 1 for a first delivery.
///   - idempotencyKey: The same for two deliveries of one event; a fresh one for each call unless given.
/// - Throws: what decoding or the handler throws: an `EventError`, most often.
public func deliver<Handler: EventHandler>(
  _ json: String,
  to handler: Handler,
  receiveCount: Int = 1,
  idempotencyKey: String? = nil,
  attributes: [String: MessageAttribute] = [:],
  logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
) async throws {
  let event = try EventDecoder.decode(Handler.Event.self, from: Array(json.utf8))
  let messageID = "test-\(UInt64.random(in: 0 ... .max))"
  let context = HandlerContext(
    eventType: "TEST", queue: "test", messageID: messageID, idempotencyKey: idempotencyKey,
    receiveCount: receiveCount, attributes: attributes, logger: logger)
  try await handler.handle(event, context: context)
}

/// Gives several events to one handler together, as the worker would where they come at once. What decoding refuses is
/// that event's outcome, and the handler gets the others.
///
///     let outcomes = try await deliver([full, entry], to: EnterHandler(raffles))
///
/// - Parameters:
///   - bodies: The bodies of the messages, at most as many as the handler's `batchLimit`.
///   - idempotencyKeys: One for each body, in order; fresh ones unless given.
/// - Returns: one outcome for each body, in order.
/// - Throws: what the handler throws, which would be every event's outcome.
public func deliver<Handler: BatchEventHandler>(
  _ bodies: [String],
  to handler: Handler,
  idempotencyKeys: [String] = [],
  logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
) async throws -> [Result<Void, any Error>] {
  precondition(bodies.count <= handler.batchLimit, "the worker hands over \(handler.batchLimit) events at most")
  precondition(
    idempotencyKeys.isEmpty || idempotencyKeys.count == bodies.count, "give one idempotency key for each body, or none")
  let events = bodies.map { body in Result { try EventDecoder.decode(Handler.Event.self, from: Array(body.utf8)) } }
  let batch = events.enumerated().compactMap { index, event in
    (try? event.get()).map { event in
      EventDelivery(
        event,
        context: HandlerContext(
          eventType: "TEST", queue: "test", messageID: "test-\(UInt64.random(in: 0 ... .max))",
          idempotencyKey: idempotencyKeys.isEmpty ? nil : idempotencyKeys[index], logger: logger))
    }
  }
  var outcomes = batch.isEmpty ? [] : try await handler.outcomes(of: batch)
  outcomes.reverse()
  return events.map { event in event.flatMap { _ in outcomes.removeLast() } }
}
