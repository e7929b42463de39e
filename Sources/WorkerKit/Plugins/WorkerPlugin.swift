/// A set of handlers in a worker binary, with the resources that they share.
///
///     struct RafflePlugin: WorkerPlugin {
///       static let name = "raffle"
///
///       static func register(in handlers: inout HandlerRegistry<RafflePlugin>) {
///         handlers.add("enter") { _ in EnterHandler() }      // `handler: raffle.enter` in routes.yaml
///       }
///
///       init(configuration: ConfigurationValues) {}
///     }
///
/// `worker check` reads only the static members and opens nothing. `worker run` creates one instance of each plugin
/// that a route uses.
public protocol WorkerPlugin: Sendable {
  /// The plugin's name under `plugins:` in `routes.yaml`, and the prefix of its handlers' names.
  static var name: String { get }

  /// The keys that `plugins: { <name>: … }` accepts. Empty by default.
  static var configurationKeys: [any ConfigurationKeyProtocol] { get }

  /// The error kinds that the plugin's handlers throw in addition to the standard ones. Empty by default.
  static var errorKinds: [ErrorKind] { get }

  /// Registers each handler's name and its factory, which receives the plugin.
  static func register(in handlers: inout HandlerRegistry<Self>)

  /// Opens the shared resources, such as a database or a client. If it throws, the worker does not start.
  init(configuration: ConfigurationValues) async throws
}

extension WorkerPlugin {
  public static var configurationKeys: [any ConfigurationKeyProtocol] { [] }
  public static var errorKinds: [ErrorKind] { [] }
}
