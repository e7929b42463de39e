public import Logging
public import WorkerKit

/// Delivers one event to a handler as the worker would: it decodes and validates the JSON first.
///
///     try await deliver(#"{"eventType":"RAFFLE_ENTERED","raffleId":"r1","userId":"42"}"#, to: EnterHandler(raffles))
///
/// - Parameters:
///   - json: The body of the message.
///   - handler: The handler. It is called if decoding succeeds.
///   - receiveCount: How often the message was received; 1 for a first delivery.
///   - idempotencyKey: The identity of the event. Pass the same key to deliver an event twice. The default is a new key
///     for each call.
///   - attributes: The message attributes, by name.
///   - logger: The handler's logger. The default discards all lines.
/// - Throws: The error of decoding or of the handler, usually an `EventError`.
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

/// Delivers several events to a batch handler as the worker would if they arrive together. If an event cannot be
/// decoded, the error is its outcome, and the handler receives the other events.
///
///     let outcomes = try await deliver([full, entry], to: EnterHandler(raffles))
///
/// - Parameters:
///   - bodies: The bodies of the messages, at most the handler's `batchLimit`.
///   - handler: The handler.
///   - idempotencyKeys: The identity of each event, in order. The default is a new key for each.
///   - logger: The handler's logger. The default discards all lines.
/// - Returns: One outcome for each body, in order.
/// - Throws: The error of the handler, which would be the outcome of every event.
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
