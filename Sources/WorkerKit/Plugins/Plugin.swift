/// A set of handlers that a worker binary carries, with what they share.
///
///     struct RafflePlugin: Plugin {
///       static let name = "raffle"
///
///       static func register(in handlers: inout HandlerRegistry<RafflePlugin>) {
///         handlers.add("enter") { _ in EnterHandler() }      // `handler: raffle.enter` in routes.yaml
///       }
///
///       init(configuration: ConfigurationValues) {}
///     }
///
/// `worker check` reads the static members alone; nothing is opened. `worker run` then makes one instance of each
/// plugin that a route uses.
public protocol Plugin: Sendable {
  /// The plugin's name under `plugins:` in `routes.yaml`, and the part before the dot in its handlers' names.
  static var name: String { get }

  /// The keys that `plugins: { <name>: … }` accepts. None by default.
  static var configurationKeys: [any ConfigurationKeyProtocol] { get }

  /// The kinds of error that its handlers throw beside the standard ones. None by default.
  static var errorKinds: [ErrorKind] { get }

  /// Names the handlers, and says how each is made from an instance of the plugin.
  static func register(in handlers: inout HandlerRegistry<Self>)

  /// Opens what the handlers share: a database, a client. What it throws stops the worker from starting.
  init(configuration: ConfigurationValues) async throws
}

extension Plugin {
  public static var configurationKeys: [any ConfigurationKeyProtocol] { [] }
  public static var errorKinds: [ErrorKind] { [] }
}
