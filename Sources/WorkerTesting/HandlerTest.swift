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
