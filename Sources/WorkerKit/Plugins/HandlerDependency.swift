/// A handler with a dependency of its own, such as the URL that it sends requests to or the program that it runs.
///
///     struct NotifyHandler: DependentHandler {
///       let client: Client
///
///       var dependency: HandlerDependency { HandlerDependency("https://bot.example") }
///
///       func handle(_ event: Notification, context: HandlerContext) async throws { … }
///     }
///
/// The handlers of a plugin share the plugin's circuit breaker. A dependent handler shares a circuit breaker only with
/// the handlers that name the same dependency.
public protocol DependentHandler: EventHandler {
  /// The dependency. It is read once, when the handler is created for its route.
  var dependency: HandlerDependency { get }
}

/// A refusal by the dependency as a whole, independent of the error's kind and of the event's outcome.
///
/// The dependency's circuit breaker opens until the worker restarts, because only a configuration change can help.
/// Readiness reports the refusal. The dependency's events wait, including the event that opened the circuit breaker.
public enum DependencyRefusal: Sendable, Hashable {
  /// The dependency no longer exists. One such error opens the circuit breaker.
  case gone
  /// The dependency rejects the worker's credentials. Five such errors in a row, with no event handled in between, open
  /// the circuit breaker.
  case unauthorized
}

/// The dependency of a handler. Handlers of one plugin that name the same dependency share a circuit breaker.
public struct HandlerDependency: Sendable {
  /// The name for operators. It follows the plugin's name in logs, metrics and readiness. It must not contain secrets
  /// or parts of a message.
  public var name: String
  /// The health check, with the contract of ``PluginHealth/checkHealth()``; nil if there is none. If several
  /// dependencies have the same name, the check of the first one is used.
  public var checkHealth: (@Sendable () async throws -> Void)?

  /// Creates a dependency.
  ///
  /// - Parameters:
  ///   - name: The name for operators, without secrets and without parts of a message.
  ///   - checkHealth: The health check; nil if there is none.
  public init(_ name: String, checkHealth: (@Sendable () async throws -> Void)? = nil) {
    self.name = name
    self.checkHealth = checkHealth
  }
}
