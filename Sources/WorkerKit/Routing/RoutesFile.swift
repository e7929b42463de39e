public import Foundation
import Yams

/// A valid `routes.yaml`: the queues, the plugins and the routes of a worker.
///
///     let file = try RoutesFile(path: "routes.yaml", plugins: [PrizePlugin.self])
///     let table = try await file.makeRoutingTable()
public struct RoutesFile: Sendable {
  /// One entry of `routes`, with the file's defaults applied.
  public struct RouteConfiguration: Sendable {
    /// The `eventType` of the route's events.
    public var eventType: String
    /// The handler's name: `<plugin>.<handler>`.
    public var handlerName: String
    /// The consequences of errors.
    public var errorPolicy: ErrorPolicy
    /// The delay before a retry.
    public var backoff: Backoff
    /// The maximum duration of the handler.
    public var timeout: Duration
    /// The name of the limit that its handler keeps to; nil for none.
    public var limit: String?
    var handlerConfiguration: ConfigurationValues
    /// The positions of `with` and of each of its keys.
    var places: OptionPlaces
  }

  /// The enabled queues, in the order of the file.
  public internal(set) var queues: [QueueConfiguration] = []
  /// The names of the queues with `enabled: false`.
  public internal(set) var disabledQueues: [String] = []
  /// The routes, in the order of the file.
  public internal(set) var routes: [RouteConfiguration] = []
  /// By their names; those that are wrong are left out.
  package internal(set) var limits: [String: LimitConfiguration] = [:]
  /// What becomes of an event whose type no route names.
  public internal(set) var unrouted = Unrouted.deadLetter
  /// How spans are named and related.
  public internal(set) var tracing = TracingConfiguration()
  /// The maximum number of threads for ``HandlerContext/runBlocking(_:)``.
  public internal(set) var blockingThreads = BlockingThreads.standardLimit
  /// Where metrics and health are served; nil if the file has no `admin` section, in which case they are not served.
  public internal(set) var admin: AdminConfiguration?
  /// The plugins' configurations by plugin name. Invalid ones are omitted.
  package internal(set) var pluginConfigurations: [String: ConfigurationValues] = [:]
  /// The names of the environment variables that the file refers to.
  package internal(set) var variables: Set<String> = []
  let catalog: PluginCatalog

  init(catalog: PluginCatalog) {
    self.catalog = catalog
  }

  /// Reads and checks a file.
  ///
  /// - Parameters:
  ///   - path: The path of the YAML file.
  ///   - plugins: The plugins in the binary. Their static members declare the handlers and the keys.
  ///   - environment: The values for `${NAME}` and `${NAME:-default}`.
  /// - Throws: A ``ConfigurationError`` with all problems.
  public init(
    path: String, plugins: [any WorkerPlugin.Type], environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    try self.init(yaml: Self.contents(ofFileAt: path), file: path, plugins: plugins, environment: environment)
  }

  /// Reads and checks a document.
  ///
  /// - Parameters:
  ///   - yaml: The document.
  ///   - file: The name of the document in problems.
  ///   - plugins: The plugins in the binary. Their static members declare the handlers and the keys.
  ///   - environment: The values for `${NAME}` and `${NAME:-default}`.
  /// - Throws: A ``ConfigurationError`` with all problems.
  public init(
    yaml: String, file: String = "routes.yaml", plugins: [any WorkerPlugin.Type], environment: [String: String] = [:]
  ) throws {
    var parser = RoutesParser(file: file, plugins: plugins, environment: environment)
    self = try parser.parse(yaml)
  }

  /// Returns the valid parts of a file, and all problems. Diagnostic commands use it to continue with the valid parts.
  package static func examine(
    path: String, plugins: [any WorkerPlugin.Type], environment: [String: String]
  ) -> (file: RoutesFile, problems: [ConfigurationProblem]) {
    do {
      var parser = RoutesParser(file: path, plugins: plugins, environment: environment)
      let (file, error) = parser.examine(try contents(ofFileAt: path))
      return (file, error?.problems ?? [])
    } catch {
      return (RoutesFile(catalog: PluginCatalog(plugins)), error.problems)
    }
  }

  /// Returns the configuration of one plugin, and ignores all other parts of the file. The plugin's own commands use
  /// it.
  ///
  /// - Throws: A ``ConfigurationError``.
  public static func pluginConfiguration<P: WorkerPlugin>(
    for plugin: P.Type,
    inFileAt path: String,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> ConfigurationValues {
    var reader = YAMLReader(file: path, environment: environment)
    let root = reader.parse(try contents(ofFileAt: path))
    let section = root?.mapping?["plugins"]?.mapping?[plugin.name]
    let values = reader.values(of: plugin.configurationKeys, in: section, "plugins.\(plugin.name)", at: root)
    if let error = reader.error { throw error }
    return values
  }

  /// Returns the configuration of a plugin: the values under `plugins: { <name>: … }`, with defaults for omitted keys.
  public func configuration(of plugin: any WorkerPlugin.Type) -> ConfigurationValues {
    pluginConfigurations[plugin.name] ?? ConfigurationValues()
  }

  /// Whether a route uses one of the plugin's handlers.
  public func uses(_ plugin: any WorkerPlugin.Type) -> Bool {
    routes.contains { catalog.handlers[$0.handlerName]?.pluginName == plugin.name }
  }

  /// What the routes that name one of a plugin's handlers say under `with`, in the file's order.
  package func options(forRoutesOf plugin: any WorkerPlugin.Type) -> [RouteOptions] {
    routes.filter { catalog.handlers[$0.handlerName]?.pluginName == plugin.name }.map {
      RouteOptions(eventType: $0.eventType, handlerName: $0.handlerName, options: $0.handlerConfiguration)
    }
  }

  /// Creates the plugins that the routes use, and binds each route to its handler.
  ///
  /// - Throws: The error of a plugin's or a handler's initializer. A ``ConfigurationValueError`` that a handler throws
  ///   for its options becomes a ``ConfigurationError``.
  public func makeRoutingTable() async throws -> RoutingTable {
    try await makeRoutingTable { _, make in try await make() }
  }

  /// Creates the plugins and binds the routes.
  ///
  /// - Parameter makingPlugin: Receives a plugin's name and the function that creates the plugin, and calls the
  ///   function.
  package func makeRoutingTable(
    makingPlugin: (String, () async throws -> any WorkerPlugin) async throws -> any WorkerPlugin
  ) async throws -> RoutingTable {
    var plugins: [String: any WorkerPlugin] = [:]
    var breakers: [String: CircuitBreaker] = [:]
    let limits = limits.mapValues { $0.makeLimit() }
    var bound: [Route] = []
    var problems: [ConfigurationProblem] = []
    for route in routes {
      guard let registration = catalog.handlers[route.handlerName], let type = catalog.plugins[registration.pluginName]
      else { preconditionFailure("\(route.handlerName) passed the check, but is not registered") }
      let plugin: any WorkerPlugin
      if let made = plugins[type.name] {
        plugin = made
      } else {
        plugin = try await makingPlugin(type.name) { try await type.init(configuration: configuration(of: type)) }
        plugins[type.name] = plugin
      }
      let handler: BoundHandler
      do {
        handler = BoundHandler(try registration.make(plugin, route.handlerConfiguration))
      } catch let error as ConfigurationValueError {
        problems += error.problems.map(route.places.problem)
        continue
      }
      let breaker = CircuitBreaker(of: plugin, named: type.name, dependency: handler.dependency)
      breakers[breaker.pluginName] = breakers[breaker.pluginName] ?? breaker
      bound.append(
        Route(
          eventType: route.eventType, handlerName: route.handlerName,
          boundHandler: handler,
          errorPolicy: route.errorPolicy, backoff: route.backoff, timeout: route.timeout,
          breaker: breakers[breaker.pluginName], limit: route.limit.flatMap { limits[$0] }))
    }
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    return RoutingTable(
      routes: bound, unrouted: unrouted,
      plugins: plugins.sorted { $0.key < $1.key }.map(\.value))
  }

  /// The environment variables that hold the URLs of a document's queues, by the queues' names. A queue is included
  /// only if its URL is a single reference, with or without a default.
  package static func urlVariables(inYAML yaml: String) -> [String: String] {
    var reader = YAMLReader(file: "")
    let queues = reader.mapping(reader.parse(yaml)?.mapping?["queues"], "queues")
    return queues.reduce(into: [:]) { variables, queue in
      let match = queue.value.mapping?["url"]?.scalar?.string.wholeMatch(
        of: /\s*\$\{([A-Za-z_][A-Za-z0-9_]*)(:-.*)?\}\s*/)
      variables[queue.key] = match.map { String($0.1) }
    }
  }

  package static func contents(ofFileAt path: String) throws(ConfigurationError) -> String {
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      var isDirectory: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
      let reason =
        if isDirectory.boolValue {
          "this is a directory; name a file in it with --routes FILE"
        } else if FileManager.default.isReadableFile(atPath: path) {
          "this is not UTF-8 text\(isUTF16(path) ? ", but UTF-16" : ""); save it as UTF-8"
        } else if exists {
          "this user may not read it; change its permissions"
        } else {
          "there is no such file; name another with --routes FILE, or begin with the README's"
        }
      throw ConfigurationError(problems: [ConfigurationProblem(file: path, line: 1, column: 1, message: reason)])
    }
  }

  /// Whether the file starts with a UTF-16 byte order mark, which some editors write.
  private static func isUTF16(_ path: String) -> Bool {
    let start = try? FileHandle(forReadingAtPath: path)?.read(upToCount: 2)
    return start == Data([0xFF, 0xFE]) || start == Data([0xFE, 0xFF])
  }
}
