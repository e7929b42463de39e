import Foundation

/// The handlers that a plugin offers to routes, by name.
public struct HandlerRegistry<P: WorkerPlugin> {
  private(set) var registrations: [HandlerRegistration] = []

  init() {}

  /// Registers a handler as `<plugin name>.<name>`.
  ///
  /// - Parameters:
  ///   - name: A name that is unique within the plugin.
  ///   - make: Creates the handler for one route. It is called once for each route, before the first message.
  public mutating func add<Handler: EventHandler>(
    _ name: String,
    make: @escaping @Sendable (P) throws -> Handler
  ) {
    add(name, configurationKeys: []) { plugin, _ in try make(plugin) }
  }

  /// Registers a handler that a route configures with `with:`.
  ///
  /// - Parameters:
  ///   - name: A name that is unique within the plugin.
  ///   - configurationKeys: The keys that `with:` accepts.
  ///   - make: Creates the handler for one route from the plugin and the route's values. If it throws, the worker does
  ///     not start; a ``ConfigurationValueError`` is reported at the option that its path names.
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
        return try make(plugin, values)
      })
  }
}

/// A type-erased registration: the handler's name and its factory.
struct HandlerRegistration: Sendable {
  let name: String
  let pluginName: String
  let eventType: any (Decodable & Sendable).Type
  let configurationKeys: [any ConfigurationKeyProtocol]
  let make: @Sendable (any WorkerPlugin, ConfigurationValues) throws -> any EventHandler
}
