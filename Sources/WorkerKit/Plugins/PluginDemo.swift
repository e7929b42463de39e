/// A plugin with a demonstration. `worker dev` prepares it with a local queue, sends its events, and shows the outcome
/// of each.
public protocol PluginDemo: WorkerPlugin {
  /// The values for `${NAME}` in `routes.yaml` that keep the demo's data in `directory`.
  static func demoEnvironment(in directory: String) -> [String: String]

  /// Whether a configuration keeps the demo's data in `directory`.
  ///
  /// If `routes.yaml` names another location, `worker dev` skips the demo, and only handlers write there.
  static func isDemo(_ configuration: ConfigurationValues, in directory: String) -> Bool

  /// Creates the data that the events refer to. It is called at every start, so data that already exists is not an
  /// error.
  static func prepareDemo(_ configuration: ConfigurationValues) async throws

  /// The routes of the demo's events: the handler name for each event type, such as `prizes.item`. Empty by default.
  ///
  /// If there is no `routes.yaml`, `worker dev` creates one from these routes. If they are empty, a `routes.yaml` is
  /// required.
  static var demoRoutes: [String: String] { get }

  /// The plugin's configuration in a `routes.yaml` that `worker dev` creates; `${NAME}` is substituted. Empty by
  /// default.
  static var demoConfiguration: [String: String] { get }

  /// The events that the demo sends, in this order. Each has a unique title.
  static var demoEvents: [DemoEvent] { get }

  /// Commands that show the result, without the binary's name: `prizes holdings --user 98…`.
  static var demoCommands: [String] { get }
}

extension PluginDemo {
  public static var demoRoutes: [String: String] { [:] }
  public static var demoConfiguration: [String: String] { [:] }
}

/// An event of a ``PluginDemo``.
public struct DemoEvent: Sendable {
  /// A short description for people.
  public var title: String
  /// The message body, as JSON.
  public var body: String

  /// Creates an event.
  ///
  /// - Parameters:
  ///   - title: A short description for people.
  ///   - body: The message body, as JSON.
  public init(_ title: String, body: String) {
    self.title = title
    self.body = body
  }
}
