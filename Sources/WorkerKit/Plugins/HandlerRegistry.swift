import Foundation

/// The handlers that a plugin offers to routes, by name.
public struct HandlerRegistry<P: Plugin> {
  private(set) var registrations: [HandlerRegistration] = []

  init() {}

  /// Offers a handler as `<plugin name>.<name>`.
  ///
  /// - Parameters:
  ///   - name: Unique within the plugin.
  ///   - make: Makes the handler for one route, once, before the first message.
  public mutating func add<Handler: EventHandler>(
    _ name: String,
    make: @escaping @Sendable (P) throws -> Handler
  ) {
    add(name, configurationKeys: []) { plugin, _ in try make(plugin) }
  }

  /// Offers a handler that a route configures with `with:`.
  ///
  /// - Parameters:
  ///   - name: Unique within the plugin.
  ///   - configurationKeys: The keys that `with:` accepts.
  ///   - make: Makes the handler for one route from the plugin and that route's values.
  public mutating func add<Handler: EventHandler>(
    _ name: String,
    configurationKeys: [any ConfigurationKeyProtocol],
    make: @escaping @Sendable (P, ConfigurationValues) throws -> Handler
  ) {
    let qualifiedName = "\(P.name).\(name)"
    precondition(
      !registrations.contains { $0.name == qualifiedName },
      "handler \(qualifiedName) is registered twice; give one of them another name")
    registrations.append(
      HandlerRegistration(
        name: qualifiedName, pluginName: P.name, eventType: Handler.Event.self, configurationKeys: configurationKeys
      ) { plugin, values in
        guard let plugin = plugin as? P else {
          preconditionFailure("handler \(qualifiedName) was bound to a plugin of another type")
        }
        return BoundHandler(try make(plugin, values))
      })
  }
}

/// A handler's name and how to make it, with its types erased.
struct HandlerRegistration: Sendable {
  let name: String
  let pluginName: String
  let eventType: any (Decodable & Sendable).Type
  let configurationKeys: [any ConfigurationKeyProtocol]
  let bind: @Sendable (any Plugin, ConfigurationValues) throws -> BoundHandler
}

/// A handler with its event type erased: it takes a body and decodes it itself.
struct BoundHandler: Sendable {
  let handle: @Sendable (_ body: EventBody, _ context: HandlerContext) async throws -> Void

  /// - Parameter handler: Gets its events in batches where it is a ``BatchEventHandler``.
  init<Handler: EventHandler>(_ handler: Handler) {
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
