/// A plugin that can show what it does. `worker dev` prepares it beside a local queue, sends its events, and says what
/// became of each.
public protocol PluginDemo: Plugin {
  /// Values for `${NAME}` in `routes.yaml` by which the demo keeps to a directory of its own.
  static func demoEnvironment(in directory: String) -> [String: String]

  /// Whether a configuration keeps to that directory. Where `routes.yaml` names a place of its own the demo is left out:
  /// nothing is written there but what handlers write.
  static func isDemo(_ configuration: ConfigurationValues, in directory: String) -> Bool

  /// Brings in what the events are about. Called at every start, so what is there already is no error.
  static func prepareDemo(_ configuration: ConfigurationValues) async throws

  /// What a bot sends, in this order.
  static var demoEvents: [DemoEvent] { get }

  /// What to type next to see what came of it, without the binary's name: `prizes holdings --user 98…`.
  static var demoCommands: [String] { get }
}

/// An event of a ``PluginDemo``.
public struct DemoEvent: Sendable {
  /// For people: what it is about.
  public var title: String
  /// JSON.
  public var body: String

  public init(_ title: String, body: String) {
    self.title = title
    self.body = body
  }
}
