public import Foundation
import Yams

/// A `routes.yaml` that has been read and found right: the queues, the plugins and the routes of a worker.
///
///     let file = try RoutesFile(path: "routes.yaml", plugins: [PrizePlugin.self])
///     let table = try await file.makeRoutingTable()
public struct RoutesFile: Sendable {
  public struct RouteConfiguration: Sendable {
    public var eventType: String
    public var handlerName: String
    public var errorPolicy: ErrorPolicy
    public var backoff: Backoff
    public var timeout: Duration
    var handlerConfiguration: ConfigurationValues
  }

  /// Those that are enabled, in the file's order.
  public internal(set) var queues: [QueueConfiguration] = []
  /// The names of those that `enabled: false` switches off.
  public internal(set) var disabledQueues: [String] = []
  /// In the file's order.
  public internal(set) var routes: [RouteConfiguration] = []
  public internal(set) var unrouted = Unrouted.deadLetter
  public internal(set) var tracing = TracingConfiguration()
  /// Where metrics and health are served; nil where the file does not say, and they are not.
  public internal(set) var admin: AdminConfiguration?
  /// By the plugins' names; those that are wrong are left out.
  package internal(set) var pluginConfigurations: [String: ConfigurationValues] = [:]
  let catalog: PluginCatalog

  init(catalog: PluginCatalog) {
    self.catalog = catalog
  }

  /// Reads and checks a file.
  ///
  /// - Parameters:
  ///   - path: Of the YAML file.
  ///   - plugins: Those that the binary carries; their static members say which handlers and keys exist.
  ///   - environment: Fills in `${NAME}` and `${NAME:-default}`.
  /// - Throws: a ``ConfigurationError`` with everything that is wrong.
  public init(
    path: String, plugins: [any Plugin.Type], environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    try self.init(yaml: Self.contents(ofFileAt: path), file: path, plugins: plugins, environment: environment)
  }

  /// Reads and checks a document; `file` is its name in what is reported.
  public init(
    yaml: String, file: String = "routes.yaml", plugins: [any Plugin.Type], environment: [String: String] = [:]
  ) throws {
    var parser = RoutesParser(file: file, plugins: plugins, environment: environment)
    self = try parser.parse(yaml)
  }

  /// What is right in a file, and everything that is wrong with it: for whoever looks for what is the matter, and goes on
  /// with what there is.
  package static func examine(
    path: String, plugins: [any Plugin.Type], environment: [String: String]
  ) -> (file: RoutesFile, problems: [ConfigurationProblem]) {
    do {
      var parser = RoutesParser(file: path, plugins: plugins, environment: environment)
      let (file, problems) = parser.examine(try contents(ofFileAt: path))
      return (file, ConfigurationError(problems: problems).problems)
    } catch {
      return (RoutesFile(catalog: PluginCatalog(plugins)), error.problems)
    }
  }

  /// One plugin's configuration, from a file whose other parts are not looked at: what the plugin's own commands need.
  ///
  /// - Throws: a ``ConfigurationError``.
  public static func pluginConfiguration<P: Plugin>(
    for plugin: P.Type,
    inFileAt path: String,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> ConfigurationValues {
    var reader = YAMLReader(file: path, environment: environment)
    let root = reader.parse(try contents(ofFileAt: path))
    let section = root?.mapping?["plugins"]?.mapping?[plugin.name]
    let values = reader.values(of: plugin.configurationKeys, in: section, "plugins.\(plugin.name)", at: root)
    guard reader.problems.isEmpty else { throw ConfigurationError(problems: reader.problems) }
    return values
  }

  /// What the file says under `plugins: { <name>: … }`, and the defaults of what it leaves out.
  public func configuration(of plugin: any Plugin.Type) -> ConfigurationValues {
    pluginConfigurations[plugin.name] ?? ConfigurationValues()
  }

  /// Whether a route names one of a plugin's handlers.
  public func uses(_ plugin: any Plugin.Type) -> Bool {
    routes.contains { catalog.handlers[$0.handlerName]?.pluginName == plugin.name }
  }

  /// Makes the plugins that the routes use, and binds each route to its handler.
  ///
  /// - Throws: what a plugin's or a handler's initializer throws.
  public func makeRoutingTable() async throws -> RoutingTable {
    var plugins: [String: any Plugin] = [:]
    var gates: [String: IntakeGate] = [:]
    var bound: [Route] = []
    for route in routes {
      guard let registration = catalog.handlers[route.handlerName], let type = catalog.plugins[registration.pluginName]
      else { preconditionFailure("\(route.handlerName) passed the check, but is not registered") }
      let plugin: any Plugin
      if let made = plugins[type.name] {
        plugin = made
      } else {
        plugin = try await type.init(configuration: configuration(of: type))
        plugins[type.name] = plugin
        if let plugin = plugin as? any PluginHealth {
          gates[type.name] = IntakeGate(pluginName: type.name) { try await plugin.checkHealth() }
        }
      }
      bound.append(
        Route(
          eventType: route.eventType, handlerName: route.handlerName,
          boundHandler: try registration.bind(plugin, route.handlerConfiguration),
          errorPolicy: route.errorPolicy, backoff: route.backoff, timeout: route.timeout,
          gate: gates[type.name]))
    }
    return RoutingTable(routes: bound, unrouted: unrouted)
  }

  static func contents(ofFileAt path: String) throws(ConfigurationError) -> String {
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      var isDirectory: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      let reason =
        if isDirectory.boolValue {
          "this is a directory; name a file in it with --routes FILE"
        } else if exists {
          "cannot be read as UTF-8 text; check its encoding and its permissions"
        } else {
          "there is no such file; name another with --routes FILE, or begin with the README's"
        }
      throw ConfigurationError(problems: [ConfigurationProblem(file: path, line: 1, column: 1, message: reason)])
    }
  }
}
