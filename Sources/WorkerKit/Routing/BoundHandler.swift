/// A type-erased handler, which decodes the body itself.
struct BoundHandler: Sendable {
  let handle: @Sendable (_ body: EventBody, _ context: HandlerContext) async throws -> Void
  /// The handler's own dependency; nil if it has none.
  let dependency: HandlerDependency?

  /// Wraps a handler.
  ///
  /// - Parameter handler: The handler. A ``BatchEventHandler`` receives its events in batches.
  init<Handler: EventHandler>(_ handler: Handler) {
    dependency = (handler as? any DependentHandler)?.dependency
    if let handler = handler as? any BatchEventHandler<Handler.Event> {
      let batcher = EventBatcher(handler)
      handle = { body, context in
        let event = try EventDecoder.decode(Handler.Event.self, from: body)
        try await batcher.handle(EventDelivery(event, context: context))
      }
      return
    }
    handle = { body, context in
      let event = try EventDecoder.decode(Handler.Event.self, from: body)
      try await handler.handle(event, context: context)
    }
  }
}
